use crate::lines::Call;

/// What a process asked of the system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Whom it connected to or sent to by address, each once, in order.
    pub peers: Vec<Peer>,
    /// Each change to a file that was made, as `strace` writes the call.
    pub changes: Vec<String>,
    /// The same of changes that failed.
    pub failed_changes: Vec<String>,
    /// Programs that it became or started, itself among them.
    pub programs: Vec<String>,
    /// Sockets that it listened on, and data sent to servers of names (port 53).
    pub listened: Vec<String>,
    /// What was sent by a datagram, as `strace` writes it: questions to servers of names, mostly.
    pub datagrams: Vec<String>,
}

/// Where a connection or a datagram went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// An address and a port.
    Internet(String, u16),
    /// The path of a local socket.
    Local(String),
    /// Anything else, as `strace` writes it. The kernel itself, asked for this machine's addresses, is none.
    Other(String),
}

impl Asked {
    pub(crate) fn of(calls: impl IntoIterator<Item = Call>) -> Self {
        let mut asked = Self::default();
        for call in calls {
            asked.add(call);
        }
        asked
    }

    fn add(&mut self, call: Call) {
        match call.name.as_str() {
            "connect" => self.add_peer(&call.arguments),
            "sendto" | "sendmsg" | "sendmmsg" => {
                if call.arguments.contains("sa_family=") {
                    self.add_peer(&call.arguments);
                }
                self.datagrams.push(call.arguments);
            }
            "execve" | "execveat" if call.succeeded => self.programs.push(call.arguments),
            "listen" if call.succeeded => self.listened.push(call.arguments),
            "open" | "openat" | "openat2" => {
                let changes = ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND"];
                if changes.iter().any(|flag| call.arguments.contains(flag)) {
                    self.add_change(call);
                }
            }
            "creat" | "mkdir" | "mkdirat" | "mknod" | "mknodat" | "unlink" | "unlinkat" | "rmdir" | "rename"
            | "renameat" | "renameat2" | "link" | "linkat" | "symlink" | "symlinkat" | "truncate" | "chmod"
            | "fchmodat" | "chown" | "lchown" | "fchownat" | "utimensat" => self.add_change(call),
            _ => {}
        }
    }

    fn add_change(&mut self, call: Call) {
        let text = format!("{}({})", call.name, call.arguments);
        if call.succeeded { self.changes.push(text) } else { self.failed_changes.push(text) }
    }

    fn add_peer(&mut self, arguments: &str) {
        let peer = match peer(arguments) {
            Some(peer) => peer,
            None => return,
        };
        if !self.peers.contains(&peer) {
            self.peers.push(peer);
        }
    }
}

fn peer(arguments: &str) -> Option<Peer> {
    let between = |before: &str, after: char| {
        let rest = arguments.split_once(before)?.1;
        Some(rest.split_once(after)?.0.to_owned())
    };
    if arguments.contains("sa_family=AF_INET") {
        let port = between("_port=htons(", ')').and_then(|port| port.parse().ok());
        let address = between("inet_addr(\"", '"').or_else(|| between("inet_pton(AF_INET6, \"", '"'));
        return Some(match address.zip(port) {
            Some((address, port)) => Peer::Internet(address, port),
            None => Peer::Other(arguments.to_owned()),
        });
    }
    if arguments.contains("sa_family=AF_UNIX") {
        return Some(Peer::Local(between("sun_path=\"", '"').unwrap_or_else(|| arguments.to_owned())));
    }
    // Routing tables are asked by netlink; a disconnected datagram socket has no family.
    let is_nobody = arguments.contains("sa_family=AF_NETLINK") || arguments.contains("sa_family=AF_UNSPEC");
    (!is_nobody).then(|| Peer::Other(arguments.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lines::calls;

    #[test]
    fn whom_it_speaks_to_and_what_it_changes() {
        let asked = Asked::of(calls(
            r#"7 execve("/x/plugin", ["plugin"], 0x7ffd /* 3 vars */) = 0
7 openat(AT_FDCWD, "/etc/hosts", O_RDONLY|O_CLOEXEC) = 3
8 openat(AT_FDCWD, "/tmp/x", O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC, 0666) = -1 EACCES (Permission denied)
8 openat(AT_FDCWD, "/tmp/y", O_RDWR|O_CLOEXEC) = 4
8 connect(9, {sa_family=AF_INET, sin_port=htons(8188), sin_addr=inet_addr("127.0.0.1")}, 16) = -1 EINPROGRESS (Operation now in progress)
8 connect(9, {sa_family=AF_INET6, sin6_port=htons(443), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "::1", &sin6_addr), sin6_scope_id=0}, 28) = 0
8 connect(9, {sa_family=AF_UNIX, sun_path="/var/run/nscd/socket"}, 110) = -1 ENOENT (No such file or directory)
8 sendto(9, "\1\2", 2, MSG_NOSIGNAL, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("10.0.0.1")}, 16) = 2
8 sendto(9, "\1\2", 20, 0, {sa_family=AF_NETLINK, nl_pid=0, nl_groups=00000000}, 12) = 20
8 unlink("/tmp/z") = -1 EPERM (Operation not permitted)
"#,
        ));
        let internet = |address: &str, port| Peer::Internet(address.to_owned(), port);
        let local = Peer::Local("/var/run/nscd/socket".to_owned());
        assert_eq!(asked.peers, [internet("127.0.0.1", 8188), internet("::1", 443), local, internet("10.0.0.1", 53)]);
        assert_eq!(asked.changes, [r#"openat(AT_FDCWD, "/tmp/y", O_RDWR|O_CLOEXEC)"#]);
        assert_eq!(asked.failed_changes.len(), 2);
        assert_eq!((asked.programs.len(), asked.datagrams.len(), asked.listened.len()), (1, 2, 0));
    }
}
