import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault, origins, words } from "./setting.ts";

const styles = words({ about: "x", of: ["legacy", "draft11"] });
const pages = origins({ about: "x" });

test("a list of known words takes any of them, and all by default", () => {
  assert.deepEqual(styles.missing, ["legacy", "draft11"]);
  assert.equal(styles.shown, "legacy,draft11");
  assert.deepEqual(styles.parse(" draft11 "), ["draft11"]);
  assert.deepEqual(styles.parse("draft11, legacy,legacy"), ["legacy", "draft11"]);
  for (const text of ["draft12", "legacy,", "Legacy", "legacy draft11"]) {
    assert.ok(styles.parse(text) instanceof Fault, text);
  }
});

test("an origin is written as browsers write it, and a wildcard is none", () => {
  assert.deepEqual(pages.missing, []);
  assert.deepEqual(pages.parse("https://app.example.com, http://localhost:5173"), [
    "https://app.example.com",
    "http://localhost:5173",
  ]);
  for (const text of [
    "*",
    "null",
    "app.example.com",
    "https://app.example.com/",
    "https://App.example.com",
    "https://app.example.com:443",
    "https://*.example.com/x",
    "file:///x",
    "https://a.example.com,",
  ]) {
    assert.ok(pages.parse(text) instanceof Fault, text);
  }
});
