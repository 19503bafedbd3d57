/** The command line for as long as somebody holds the other end of its standard input, however that one ends. */
process.stdin.on("end", () => process.kill(process.pid, "SIGTERM")).resume();
// What has nothing else to do is not kept waiting by it.
if ("unref" in process.stdin) process.stdin.unref();
await import("./main.ts");
