//! What a plugin may do, and what its process has given up before it hears of the first request.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use confinement::Layer;
use dify_plugin_host::{DifyHost, PluginProcess};
use dify_plugin_protocol::{CredentialType, InvokeTool};
use process_trace::Trace;
use serde_json::{Map, json};

/// What the plugin tries and must not be able to do, and what Landlock or the filter of system calls alone forbids.
const FORBIDDEN: [(&str, &[Layer]); 19] = [
    ("append to a file", &[Layer::Landlock, Layer::SystemCalls]),
    ("change a mode", &[Layer::SystemCalls]),
    ("change a time", &[Layer::SystemCalls]),
    ("create a file", &[Layer::Landlock, Layer::SystemCalls]),
    ("dump core", &[Layer::MemoryKept]),
    ("forge packets", &[Layer::Capabilities]),
    ("link a file", &[Layer::Landlock, Layer::SystemCalls]),
    ("listen on TCP", &[Layer::SystemCalls]),
    ("listen on a local socket", &[Layer::Landlock, Layer::SystemCalls]),
    ("make a file in memory", &[Layer::SystemCalls]),
    ("make a folder", &[Layer::Landlock, Layer::SystemCalls]),
    ("make a symbolic link", &[Layer::Landlock, Layer::SystemCalls]),
    ("read the environment of a process", &[Layer::Landlock]),
    ("remove a file", &[Layer::Landlock, Layer::SystemCalls]),
    ("rename a file", &[Layer::Landlock, Layer::SystemCalls]),
    ("see packets", &[Layer::Capabilities, Layer::SystemCalls]),
    ("signal a process", &[Layer::SystemCalls]),
    ("start a program", &[Layer::Landlock, Layer::SystemCalls]),
    ("truncate a file", &[Layer::Landlock, Layer::SystemCalls]),
];

const PRYING: &str = env!("CARGO_BIN_EXE_prying-plugin");

const ALLOWED: [&str; 6] =
    ["connect", "list a folder", "look up a name", "read a file", "read own status", "start a thread"];

/// Starts the plugin and has it try everything in a folder of its own.
async fn pry(arguments: &[&str]) -> (BTreeMap<String, String>, tempfile::TempDir, PluginProcess) {
    let mut command = Command::new(PRYING);
    command.args(arguments);
    pry_as(command).await
}

async fn pry_as(mut command: Command) -> (BTreeMap<String, String>, tempfile::TempDir, PluginProcess) {
    command.env("LOG_LEVEL", "debug");
    let plugin = PluginProcess::start(command, &DifyHost::builder().build()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    for name in ["old", "other", "gone", "removable"] {
        fs::write(folder.path().join(name), name).unwrap();
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let parameters = json!({
        "folder": folder.path(),
        "pid": std::process::id(),
        "port": listener.local_addr().unwrap().port(),
    });
    let call = InvokeTool {
        user_id: "user-1".to_owned(),
        provider: "prying".to_owned(),
        tool: "pry".to_owned(),
        credentials: Map::new(),
        credential_type: CredentialType::ApiKey,
        tool_parameters: parameters.as_object().cloned().unwrap(),
    };
    let answer = plugin.invoke_tool(call).await.unwrap();
    let outcomes = serde_json::from_value(answer.json()[0].clone()).unwrap();
    (outcomes, folder, plugin)
}

fn files(folder: &Path) -> BTreeMap<String, String> {
    let read = |entry: std::io::Result<fs::DirEntry>| {
        let path = entry.unwrap().path();
        (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read_to_string(&path).unwrap_or_default())
    };
    fs::read_dir(folder).unwrap().map(read).collect()
}

/// What holds on this machine: found out in a process that can be spared, since there is no way back.
fn layers_here(log: &str) -> Vec<Layer> {
    let all = [Layer::NoNewPrivileges, Layer::MemoryKept, Layer::Landlock, Layer::Capabilities, Layer::SystemCalls];
    let given_up = log.lines().find(|line| line.contains("rights given up in ")).unwrap();
    all.into_iter().filter(|layer| given_up.contains(&format!("{layer} ("))).collect()
}

#[tokio::test]
async fn what_no_plugin_needs_fails_and_what_it_needs_works() {
    let (outcomes, folder, plugin) = pry(&[]).await;
    let log = plugin.stderr();
    eprintln!("{}", log.lines().filter(|line| line.contains("given_up")).collect::<Vec<_>>().join("\n"));
    let layers = layers_here(&log);
    assert!(layers.contains(&Layer::NoNewPrivileges) && layers.contains(&Layer::MemoryKept), "{layers:?}");
    for (attempt, by) in FORBIDDEN {
        if by.iter().any(|layer| layers.contains(layer)) {
            assert_eq!(outcomes[attempt], "forbidden", "{attempt}");
        } else {
            eprintln!("skipped: {attempt}: this kernel offers none of {by:?}");
        }
    }
    for attempt in ALLOWED {
        assert_eq!(outcomes[attempt], "done", "{attempt}");
    }
    assert_eq!(outcomes.len(), FORBIDDEN.len() + ALLOWED.len());
    let untouched = ["gone", "old", "other", "removable"].map(|name| (name.to_owned(), name.to_owned()));
    assert_eq!(files(folder.path()), BTreeMap::from(untouched));
}

/// A kernel that lacks one of the layers is played by `strace`, which answers for it.
#[tokio::test]
async fn where_a_layer_is_missing_the_plugin_goes_on_with_the_others() {
    let cases = [
        ("landlock_create_ruleset:error=ENOSYS", Layer::Landlock),
        ("landlock_create_ruleset:error=EOPNOTSUPP", Layer::Landlock),
        ("seccomp:error=EINVAL", Layer::SystemCalls),
        ("capset:error=EPERM", Layer::Capabilities),
    ];
    if Trace::begin().is_none() {
        return;
    }
    for (fault, missing) in cases {
        let call = fault.split(':').next().unwrap();
        let mut command = Command::new("strace");
        command.args(["-D", "-f", "-o", "/dev/null", "-e", &format!("trace={call}"), "-e", &format!("inject={fault}")]);
        command.arg(PRYING);
        let (outcomes, folder, plugin) = pry_as(command).await;
        let log = plugin.stderr();
        assert!(!layers_here(&log).contains(&missing), "{fault}: {log}");
        assert!(log.contains(&format!("not offered here: {missing}: ")), "{fault}: {log}");
        let layers = layers_here(&log);
        for (attempt, by) in FORBIDDEN.iter().filter(|(_, by)| by.iter().any(|layer| layers.contains(layer))) {
            // It takes two layers against the superuser: CAP_PERFMON goes round Landlock.
            if *attempt == "read the environment of a process" {
                continue;
            }
            assert_eq!(outcomes[*attempt], "forbidden", "{fault}: {attempt}, by {by:?}");
        }
        for attempt in ALLOWED {
            assert_eq!(outcomes[attempt], "done", "{fault}: {attempt}");
        }
        assert!(!files(folder.path()).contains_key("new"), "{fault}");
    }
}

/// The same attempts where nothing was given up: were they to fail for another reason, the test above would prove nothing.
#[tokio::test]
async fn the_same_succeeds_in_a_plugin_that_keeps_its_rights() {
    let (outcomes, folder, plugin) = pry(&["keeping-rights"]).await;
    assert!(plugin.stderr().contains("no right was given up"), "{}", plugin.stderr());
    // These are the superuser's, and depend on the machine besides.
    let superusers = ["forge packets", "see packets", "read the environment of a process"];
    // The limit may be that of whoever started the tests.
    for (attempt, _) in FORBIDDEN.iter().filter(|(attempt, _)| !superusers.contains(attempt)) {
        assert_eq!(outcomes[*attempt], "done", "{attempt}");
    }
    assert!(files(folder.path()).contains_key("new"));
}

/// Of every thread of the process.
fn assert_confined(pid: u32) {
    let mut threads = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task")).unwrap() {
        // One may have ended meanwhile.
        let Ok(status) = fs::read_to_string(thread.unwrap().path().join("status")) else { continue };
        let value = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(":\t"));
            line.unwrap_or_else(|| panic!("no {name}")).to_owned()
        };
        assert_eq!(value("NoNewPrivs"), "1");
        assert_eq!(value("CapEff"), "0000000000000000");
        assert_eq!(value("CapPrm"), "0000000000000000");
        if cfg!(any(target_arch = "x86_64", target_arch = "aarch64")) {
            assert_eq!(value("Seccomp"), "2");
        }
        threads += 1;
    }
    assert!(threads > 0);
}

#[tokio::test]
async fn every_thread_is_confined_at_the_first_heartbeat() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_prying-plugin"));
    command.env("LOG_LEVEL", "debug");
    let plugin = PluginProcess::start(command, &DifyHost::builder().build()).await.unwrap();
    assert_confined(plugin.pid());
    // What is measured from outside stays readable.
    assert!(plugin.rss_bytes().unwrap() > 0);
    assert!(!fs::read(format!("/proc/{}/cmdline", plugin.pid())).unwrap().is_empty());
}

fn spawn(variables: &[(&str, &str)]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vectors-plugin"));
    command.arg("tool").envs(variables.iter().copied()).env("LOG_LEVEL", "debug");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn a_plugin_that_is_debugged_is_confined_before_it_says_a_word() {
    let dify = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = dify.local_addr().unwrap().to_string();
    let variables =
        [("INSTALL_METHOD", "remote"), ("REMOTE_INSTALL_URL", address.as_str()), ("REMOTE_INSTALL_KEY", "key")];
    let mut plugin = spawn(&variables);
    let (mut connection, _) = dify.accept().unwrap();
    let mut first = [0];
    connection.read_exact(&mut first).unwrap();
    assert_confined(plugin.id());
    plugin.kill().unwrap();
    plugin.wait().unwrap();
}

#[test]
fn a_serverless_plugin_is_confined_when_it_listens() {
    let variables = [("INSTALL_METHOD", "serverless"), ("SERVERLESS_HOST", "127.0.0.1"), ("SERVERLESS_PORT", "0")];
    let mut plugin = spawn(&variables);
    let mut lines = BufReader::new(plugin.stderr.take().unwrap()).lines().map(Result::unwrap);
    let listening = lines.find(|line| line.contains(" listens on http://")).unwrap();
    assert_confined(plugin.id());
    // It takes calls all the same.
    let address = listening.rsplit_once("http://").unwrap().1.to_owned();
    let mut connection = std::net::TcpStream::connect(&address).unwrap();
    std::io::Write::write_all(&mut connection, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
    plugin.kill().unwrap();
    plugin.wait().unwrap();
}
