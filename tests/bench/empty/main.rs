//! A window with an empty page, made like the real one, for comparison in benchmarks.

use tauri::{WebviewUrl, WebviewWindowBuilder};

#[expect(clippy::disallowed_methods, reason = "what Tauri makes of the configuration has it")]
fn main() {
    tauri::Builder::default()
        .setup(|tauri| {
            WebviewWindowBuilder::new(tauri, "main", WebviewUrl::default())
                .inner_size(1280.0, 800.0)
                .build()?;
            Ok(())
        })
        .run(tauri::generate_context!("../tests/bench/empty/tauri.conf.json"))
        .expect("a window opens");
}
