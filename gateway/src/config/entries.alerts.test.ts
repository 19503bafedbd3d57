import assert from "node:assert/strict";
import { test } from "node:test";
import { readSettings, SettingsError } from "./environment.ts";

const secret = `whsec_${Buffer.alloc(32, 1).toString("base64")}`;

function faultsOf(variables: Readonly<Record<string, string>>): readonly string[] {
  try {
    readSettings(variables);
    return [];
  } catch (error) {
    assert.ok(error instanceof SettingsError);
    return error.faults;
  }
}

test("alerts that could never arrive stop the start, and no secret is repeated", () => {
  const hook = { ALERT_WEBHOOK_URL: "https://example.com/hook-of-ours", ALERT_WEBHOOK_SECRET: secret };
  const mail = {
    SMTP_URL: "smtp://mail.example.com",
    ALERT_EMAIL_FROM: "a@example.com",
    ALERT_EMAIL_TO: "b@example.com",
  };
  assert.deepEqual(faultsOf({ ...hook, ...mail }), []);
  assert.deepEqual(faultsOf({ ...hook, ALERT_WEBHOOK_SECRET: `${secret},${secret}` }), []);
  const local = { ...hook, ALERT_WEBHOOK_URL: "http://127.0.0.1:9000/hook-of-ours" };
  assert.deepEqual(faultsOf({ ...local, OUTBOUND_ALLOW_CIDRS: "127.0.0.0/8" }), []);
  const wrong: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
    [local, /^ALERT_WEBHOOK_URL must begin with https.*OUTBOUND_ALLOW_CIDRS$/],
    [{ ALERT_WEBHOOK_URL: hook.ALERT_WEBHOOK_URL }, /^ALERT_WEBHOOK_SECRET is missing/],
    [{ ...hook, ALERT_WEBHOOK_SECRET: "short" }, /^ALERT_WEBHOOK_SECRET must be whsec_/],
    [{ ...hook, ALERT_WEBHOOK_SECRET: "whsec_c2hvcnQ=" }, /^ALERT_WEBHOOK_SECRET must be whsec_/],
    [{ ...hook, OUTBOUND_ALLOW_CIDRS: "here" }, /^OUTBOUND_ALLOW_CIDRS has "here"/],
    [{ SMTP_URL: mail.SMTP_URL, ALERT_EMAIL_TO: mail.ALERT_EMAIL_TO }, /^ALERT_EMAIL_FROM is missing/],
    [{ SMTP_URL: mail.SMTP_URL, ALERT_EMAIL_FROM: mail.ALERT_EMAIL_FROM }, /^ALERT_EMAIL_TO is missing/],
    [{ ...mail, ALERT_EMAIL_TO: "b@example.com,c" }, /^ALERT_EMAIL_TO must be/],
    [{ ...mail, ALERT_EMAIL_FROM: "a@example.com\r\nBcc: eve@example.com" }, /^ALERT_EMAIL_FROM must be/],
    [{ SMTP_URLS: "x" }, /^SMTP_URLS is not a setting/],
  ];
  for (const [variables, message] of wrong) {
    const faults = faultsOf(variables);
    assert.equal(faults.length, 1, JSON.stringify(faults));
    assert.match(faults[0]!, message);
    assert.doesNotMatch(faults[0]!, /hook-of-ours|c2hvcnQ|short/);
  }
});
