/** A folder process whose share hangs: it says that it begins, and nothing more. */
process.on("message", () => process.send?.({ kind: "busy" }));
setInterval(() => undefined, 1000);
