//! A window of the same making with nothing on its page: what the real one is compared with.

use tauri::{WebviewUrl, WebviewWindowBuilder};

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
