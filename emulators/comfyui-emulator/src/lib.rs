//! A ComfyUI server that executes image nodes on the CPU, for tests and demonstrations.
