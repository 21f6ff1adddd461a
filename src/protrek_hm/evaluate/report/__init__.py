"""An evaluation on disk, all of it or nothing: `write` the folder, `page` the HTML file, with `tables` on it."""
