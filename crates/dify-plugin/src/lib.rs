//! The SDK for native Dify plugins.
