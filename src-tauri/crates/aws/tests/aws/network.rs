//! Proxies, certificates, and hosts that cannot be reached.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

use headgate_aws::{Access, Aws};

use crate::alone::{Home, KEYS, alone};
use crate::canned::{Canned, Request, identity, read};
use crate::moto::{Moto, tool};

/// A port that nobody listens on.
pub fn free() -> SocketAddr {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    free.expect("a free port")
}

/// The listener at the address that the environment names: it is chosen before there is one.
pub fn named(variable: &str) -> TcpListener {
    let named = env::var(variable).expect("an address");
    let address = named.rsplit(['@', '/']).next().expect("an address");
    TcpListener::bind(address).expect("the port")
}

/// A proxy that lets all through, and what it was asked.
fn tunnel(listener: TcpListener) -> Arc<Mutex<Vec<String>>> {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&asked);
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let Some(request) = read(&client) else { continue };
            let to = request.line.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next());
            let Some(mut server) = to.and_then(|to| TcpStream::connect(to).ok()) else { continue };
            kept.lock().unwrap().push(request.line.clone());
            let _ = client.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            let (mut back, mut forth) =
                (server.try_clone().expect("a copy"), client.try_clone().expect("a copy"));
            thread::spawn(move || io::copy(&mut client, &mut server));
            thread::spawn(move || io::copy(&mut back, &mut forth));
        }
    });
    asked
}

/// A CA of our own and a certificate of it for 127.0.0.1: `ca.pem`, `server.pem`, `server.key`.
fn certificates(folder: &Path) {
    let made = Command::new(tool("python"))
        .arg("-c")
        .arg(include_str!("certificates.py"))
        .arg(folder)
        .output()
        .expect("python runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

#[test]
fn a_closed_port_is_unreachable() {
    let variables = [KEYS[0], KEYS[1], ("AWS_MAX_ATTEMPTS", "1")];
    alone(
        "network::a_closed_port_is_unreachable",
        &Home { variables: &variables, ..Home::default() },
        async || {
            let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
            let endpoint = format!("http://{}", free.expect("a free port"));
            let access = Access { endpoint: Some(endpoint.clone()), ..Access::default() };
            let aws = Aws::open(&access).await.expect("nothing is asked yet");
            let error = aws.role("lake").await.expect_err("nobody listens");
            assert_eq!((error.code.as_ref(), error.retryable), ("aws_unreachable", true));
            assert!(
                error.message.contains(&format!("`{endpoint}` for `iam:GetRole` on role `lake`")),
                "{error:?}"
            );
            assert!(error.message.contains("refused"), "{error:?}");
        },
    );
}

#[test]
fn plain_requests_go_through_no_proxy() {
    const NAME: &str = "network::plain_requests_go_through_no_proxy";
    let proxy = format!("http://ann:the-proxy-password@{}", free());
    let variables = [KEYS[0], KEYS[1], ("HTTP_PROXY", &proxy), ("AWS_MAX_ATTEMPTS", "1")];
    alone(NAME, &Home { variables: &variables, ..Home::default() }, async || {
        // A server that does not mind for whom it answers.
        let ann = |_: &Request| identity("arn:aws:iam::417620938841:user/ann");
        let proxy = Canned::on(named("HTTP_PROXY"), ann);
        let direct = Canned::start(ann);
        let aws = Aws::open(&direct.access()).await.expect("it opens");
        aws.who().await.expect("the server answers");
        assert_eq!((direct.actions().len(), proxy.actions().len()), (1, 0));
    });
}

#[test]
fn a_proxy_that_is_not_there_is_named_without_its_password() {
    const NAME: &str = "network::a_proxy_that_is_not_there_is_named_without_its_password";
    let proxy = format!("http://ann:the-proxy-password@{}", free());
    let variables = [KEYS[0], KEYS[1], ("https_proxy", &proxy), ("AWS_MAX_ATTEMPTS", "1")];
    alone(NAME, &Home { variables: &variables, ..Home::default() }, async || {
        let aws = Aws::open(&Access::default()).await.expect("it opens");
        let error = aws.role("lake").await.expect_err("no proxy");
        assert_eq!(error.code, "aws_unreachable", "{error:?}");
        let words = "`https://iam.amazonaws.com` through the proxy `http://127.0.0.1:";
        assert!(error.message.contains(words), "{error:?}");
        assert!(!format!("{error:?}").contains("the-proxy-password"), "{error:?}");
        assert!(error.hint.is_some_and(|hint| hint.contains("HTTPS_PROXY")));
    });
}

/// moto behind a certificate of the CA in this folder.
fn moto(folder: &Path) -> Moto {
    certificates(folder);
    let file = |name: &str| folder.join(name).display().to_string();
    Moto::with("https", &["-s", "-c", &file("server.pem"), "-k", &file("server.key")])
}

#[test]
fn a_private_ca_is_trusted_and_reached_through_the_proxy() {
    const NAME: &str = "network::a_private_ca_is_trusted_and_reached_through_the_proxy";
    let proxy = format!("http://{}", free());
    let variables = [KEYS[0], KEYS[1], ("HTTPS_PROXY", &proxy), ("AWS_MAX_ATTEMPTS", "1")];
    alone(NAME, &Home { variables: &variables, ..Home::default() }, async || {
        let asked = tunnel(named("HTTPS_PROXY"));
        let home = PathBuf::from(env::var_os("HOME").expect("a home"));
        let moto = moto(&home);
        // A bundle often has what no program can read among what it can.
        let bundle = home.join("bundle.pem");
        let ca = fs::read_to_string(home.join("ca.pem")).expect("the CA");
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        fs::write(&bundle, format!("A comment\n{broken}{ca}")).expect("the bundle");
        let config = format!(
            "[profile trusting]\naws_access_key_id = a\naws_secret_access_key = s\nca_bundle = {}\n",
            bundle.display()
        );
        fs::write(home.join(".aws/config"), config).expect("the profile");

        let trusting = Access { profile: Some("trusting".into()), ..moto.access() };
        let aws = Aws::open(&trusting).await.expect("it opens");
        assert_eq!(aws.who().await.expect("it is trusted").account, "123456789012");

        let aws = Aws::open(&moto.access()).await.expect("it opens");
        let error = aws.who().await.expect_err("it is a stranger");
        assert_eq!(error.code, "aws_unreachable", "{error:?}");
        assert!(error.hint.is_some_and(|hint| hint.contains("AWS_CA_BUNDLE")), "{}", error.message);

        let asked = asked.lock().unwrap();
        let connect = format!("CONNECT {} HTTP/1.1", moto.address.replace("https://", ""));
        assert!(asked.len() >= 2 && asked.iter().all(|line| *line == connect), "{asked:?}");
    });
}

#[test]
fn the_bundle_of_the_environment_is_trusted() {
    const NAME: &str = "network::the_bundle_of_the_environment_is_trusted";
    let folder = tempfile::tempdir().expect("a folder");
    let bundle = folder.path().join("ca.pem").display().to_string();
    let variables = [KEYS[0], KEYS[1], ("AWS_CA_BUNDLE", &bundle), ("AWS_MAX_ATTEMPTS", "1")];
    alone(NAME, &Home { variables: &variables, ..Home::default() }, async || {
        let bundle = PathBuf::from(env::var_os("AWS_CA_BUNDLE").expect("a bundle"));
        let moto = moto(bundle.parent().expect("a folder"));
        let aws = Aws::open(&moto.access()).await.expect("it opens");
        assert_eq!(aws.who().await.expect("it is trusted").account, "123456789012");
    });
}

#[test]
fn a_bundle_without_certificates_is_refused() {
    const NAME: &str = "network::a_bundle_without_certificates_is_refused";
    for bundle in ["Cargo.toml", "absent.pem"] {
        let bundle = Path::new(env!("CARGO_MANIFEST_DIR")).join(bundle).display().to_string();
        let variables = [KEYS[0], KEYS[1], ("AWS_CA_BUNDLE", bundle.as_str())];
        alone(NAME, &Home { variables: &variables, ..Home::default() }, async || {
            let error = Aws::open(&Access::default()).await.expect_err("no certificates");
            assert!(error.message.contains("cannot be used"), "{error:?}");
            assert!(error.hint.is_some_and(|hint| hint.contains("AWS_CA_BUNDLE")));
        });
    }
}

#[test]
fn no_token_goes_to_another_machine_in_the_clear() {
    const NAME: &str = "network::no_token_goes_to_another_machine_in_the_clear";
    // The base of the chain brings an endpoint of its own along.
    let config = "[profile v]\nrole_arn = arn:aws:iam::417620938841:role/v\nsource_profile = w\n\
                  [profile w]\nrole_arn = arn:aws:iam::417620938841:role/w\nweb_identity_token_file = /etc/hostname\n\
                  services = far\n[services far]\nsts =\n  endpoint_url = http://192.0.2.2:9\n";
    let variables = [("AWS_MAX_ATTEMPTS", "1"), ("AWS_ENDPOINT_URL_STS", "http://192.0.2.2:9")];
    for variables in [&variables[..1], &variables] {
        let home = Home { config, variables, ..Home::default() };
        alone(NAME, &home, async || {
            let local = Canned::start(|_| identity("arn:aws:iam::417620938841:user/ann"));
            let access = Access { profile: Some("v".into()), ..local.access() };
            let failed = match Aws::open(&access).await {
                Ok(aws) => aws.who().await.map(|_| ()),
                Err(error) => Err(error),
            };
            let failed = failed.expect_err("the token would be readable on the way");
            assert!(failed.message.contains("plain HTTP to another machine"), "{failed:?}");
            assert!(local.actions().is_empty());
        });
    }
}
