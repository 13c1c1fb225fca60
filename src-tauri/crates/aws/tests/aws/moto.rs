//! Starts moto, a simulator of AWS, as a server on a free port.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use headgate_aws::Access;

/// A running server; it is ended with this value.
pub struct Moto {
    server: Child,
    pub address: String,
}

impl Moto {
    pub fn start() -> Self {
        Self::with("http", &[])
    }

    /// With more arguments, behind `https` for one.
    pub fn with(scheme: &str, arguments: &[&str]) -> Self {
        let program = tool("moto_server");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let port = port.expect("a free port").port();
        let server = Command::new(&program)
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("moto starts");
        let moto = Self { server, address: format!("{scheme}://127.0.0.1:{port}") };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_mins(1), "moto does not answer");
            sleep(Duration::from_millis(50));
        }
        moto
    }

    pub fn access(&self) -> Access {
        Access { endpoint: Some(self.address.clone()), ..Access::default() }
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// A program of the tests' Python environment.
pub fn tool(name: &str) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let program = root.join(".venv/bin").join(name);
    assert!(
        program.exists(),
        "{} is missing; run `make test`, which installs it",
        program.display()
    );
    program
}
