//! A plugin that tries what no plugin has a need for, and says how it went. As `prying-plugin keeping-rights` it is let.

use std::process::ExitCode;

#[cfg(target_os = "linux")]
mod attempts {
    use std::fs::{self, File, OpenOptions, Permissions, read_to_string};
    use std::io;
    use std::net::{TcpListener, TcpStream, ToSocketAddrs};
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixListener;
    use std::path::PathBuf;
    use std::process::Command;
    use std::time::SystemTime;

    use dify_plugin::{Error, Reply, Tool, ToolCall, ValidateCredentials};
    use rustix::fs::MemfdFlags;
    use rustix::net::{AddressFamily, SocketType, ipproto, socket};
    use rustix::process::{DumpableBehavior, Pid, Resource, dumpable_behavior, getrlimit, test_kill_process};
    use serde::Deserialize;
    use serde_json::{Map, Value, json};

    pub(crate) struct NoCredentials;

    impl ValidateCredentials for NoCredentials {
        type Credentials = Map<String, Value>;

        async fn validate_credentials(&self, _: Self::Credentials) -> Result<(), Error> {
            Ok(())
        }
    }

    pub(crate) struct Pry;

    #[derive(Deserialize)]
    pub(crate) struct PryParameters {
        /// Has the files `old`, `other` and `gone`, and is to have `new` ones.
        folder: PathBuf,
        /// A process of the same user.
        pid: i32,
        /// Where somebody listens on 127.0.0.1.
        port: u16,
    }

    impl Tool for Pry {
        type Credentials = Map<String, Value>;
        type Parameters = PryParameters;

        async fn invoke(&self, call: ToolCall<Self>, reply: Reply) -> Result<(), Error> {
            reply.json(attempts(&call.parameters)).await
        }
    }

    fn attempts(PryParameters { folder, pid, port }: &PryParameters) -> Value {
        let [old, other, gone] = ["old", "other", "gone"].map(|name| folder.join(name));
        let append = |path| OpenOptions::new().append(true).open(path);
        let somebody = Pid::from_raw(*pid).ok_or(io::Error::from(io::ErrorKind::InvalidInput));
        json!({
            // What must not be possible.
            "create a file": outcome(File::create(folder.join("new"))),
            "append to a file": outcome(append(&old)),
            "truncate a file": outcome(File::create(&other)),
            "make a folder": outcome(fs::create_dir(folder.join("new folder"))),
            "rename a file": outcome(fs::rename(&gone, folder.join("renamed"))),
            "remove a file": outcome(fs::remove_file(folder.join("removable"))),
            "link a file": outcome(fs::hard_link(&old, folder.join("new link"))),
            "make a symbolic link": outcome(std::os::unix::fs::symlink(&old, folder.join("new symbolic link"))),
            "change a mode": outcome(fs::set_permissions(&old, Permissions::from_mode(0o600))),
            "change a time": outcome(File::open(&old).and_then(|file| file.set_modified(SystemTime::UNIX_EPOCH))),
            "start a program": outcome(Command::new("/bin/true").status()),
            "listen on TCP": outcome(TcpListener::bind("127.0.0.1:0")),
            "listen on a local socket": outcome(UnixListener::bind(folder.join("new socket"))),
            "make a file in memory": outcome(rustix::fs::memfd_create("x", MemfdFlags::CLOEXEC)),
            "see packets": outcome(socket(AddressFamily::PACKET, SocketType::RAW, None)),
            "forge packets": outcome(socket(AddressFamily::INET, SocketType::RAW, Some(ipproto::ICMP))),
            "signal a process": outcome(somebody.and_then(|pid| Ok(test_kill_process(pid)?))),
            "read the environment of a process": outcome(fs::read(format!("/proc/{pid}/environ"))),
            "dump core": match (dumpable_behavior(), getrlimit(Resource::Core).maximum) {
                (Ok(DumpableBehavior::NotDumpable), Some(0)) => "forbidden".to_owned(),
                _ => "done".to_owned(),
            },
            // What must.
            "read a file": outcome(read_to_string(&old)),
            "list a folder": outcome(fs::read_dir(folder)),
            "read own status": outcome(read_to_string("/proc/self/status")),
            "connect": outcome(TcpStream::connect(("127.0.0.1", *port))),
            "look up a name": outcome(("localhost", *port).to_socket_addrs()),
            "start a thread": outcome(std::thread::Builder::new().spawn(|| ())),
        })
    }

    fn outcome<T>(result: Result<T, impl Into<io::Error>>) -> String {
        match result.map_err(Into::into) {
            Ok(_) => "done".to_owned(),
            Err(error) => match error.kind() {
                io::ErrorKind::PermissionDenied => "forbidden".to_owned(),
                _ => error.to_string(),
            },
        }
    }
}

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    use dify_plugin::{Plugin, ToolProvider};

    let provider = ToolProvider::new("prying", attempts::NoCredentials).tool("pry", attempts::Pry);
    let plugin = Plugin::new("prying-plugin", env!("CARGO_PKG_VERSION")).tools(provider);
    match std::env::args().nth(1).as_deref() {
        Some("keeping-rights") => plugin.keeping_rights().run(),
        _ => plugin.run(),
    }
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    eprintln!("only Linux offers what this plugin tries");
    ExitCode::FAILURE
}
