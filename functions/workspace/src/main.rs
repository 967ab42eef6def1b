//! The function `workspace`: the workspace and its Sender.

fn main() -> Result<(), edge::Error> {
    edge::http::serve(|app, request| Box::pin(workspace::handle(app, request)))
}
