import { FAILURES_LAST_MS } from "./breaker.ts";

/** A breaker that nobody has asked for so long is forgotten: its provider is not configured any more. */
const OPEN_LASTS_MS = 30 * 86_400_000;

/**
 * The machine of `breaker.ts` inside Redis. A hash per breaker: f(ailures), a(t) the last failure of a closed one;
 * o(pened at), u(ntil), t(oken) and p(robe until) of an open one; none: unharmed. ARGV: now in ms (empty: the server's
 * clock), channel, provider, threshold, openMs, probeLeaseMs. `save` tells everybody; a reply is now, change, and the
 * hash. Under a clock of the caller's, expiry is padded by an hour: the server's clock must not end what still counts.
 *
 * Numbers are formatted here because Lua's own conversion keeps 14 digits only.
 */
const machineLua = `
local now, padding = tonumber(ARGV[1]), 3600000
if not now then
  local time = redis.call('TIME')
  now, padding = time[1] * 1000 + math.floor(time[2] / 1000), 0
end
local channel, provider = ARGV[2], ARGV[3]
local threshold, open_ms, lease_ms = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])

local function text(number) return string.format('%.0f', number) end

local state = redis.call('HMGET', KEYS[1], 'f', 'a', 'o', 'u', 't', 'p')
for i = 1, 6 do state[i] = state[i] or '' end
local failures, failed_at = tonumber(state[1]) or 0, tonumber(state[2]) or 0
local opened_at, until_ms, token = state[3], tonumber(state[4]), state[5]
local probe_until = tonumber(state[6])

local function answer(change)
  return { text(now), change, unpack(state) }
end

local function save(change, life, saved)
  state = saved
  if life == 0 then
    redis.call('DEL', KEYS[1])
  else
    redis.call('HSET', KEYS[1], 'f', saved[1], 'a', saved[2], 'o', saved[3], 'u', saved[4], 't', saved[5], 'p', saved[6])
    redis.call('PEXPIRE', KEYS[1], text(life + padding))
  end
  redis.call('PUBLISH', channel, cjson.encode({ provider, text(now), unpack(saved) }))
  return answer(change)
end

local function close(change)
  return save(change, 0, { '', '', '', '', '', '' })
end

local function open(change, count, since, ends, holder, lease_ends)
  return save(change, ${OPEN_LASTS_MS}, { text(count), '', since, text(ends), holder, lease_ends })
end
`;

/** ARGV[7]: token. */
export const admitLua = `${machineLua}
if not until_ms then return answer('') end
if now < until_ms and until_ms - now <= open_ms then return answer('') end
if probe_until and now < probe_until then return answer('') end
return open('probing', failures, opened_at, until_ms, ARGV[7], text(now + lease_ms))`;

/** ARGV[7]: outcome; ARGV[8]: token, empty if the call was no probe. */
export const reportLua = `${machineLua}
local outcome, holder = ARGV[7], ARGV[8]
if not until_ms then
  if outcome == 'ok' and failures > 0 then return close('') end
  if outcome ~= 'failure' then return answer('') end
  if now >= failed_at + ${FAILURES_LAST_MS} then failures = 0 end
  failures = failures + 1
  if failures >= threshold then return open('opened', failures, text(now), now + open_ms, '', '') end
  return save('', ${FAILURES_LAST_MS}, { text(failures), text(now), '', '', '', '' })
end
if holder == '' or holder ~= token then return answer('') end
if outcome == 'neutral' then return open('', failures, opened_at, until_ms, '', '') end
if outcome ~= 'failure' then return close('closed') end
return open('reopened', failures + 1, opened_at, now + open_ms, '', '')`;

/** ARGV[7]: token. */
export const renewLua = `${machineLua}
if not until_ms or token ~= ARGV[7] then return answer('') end
return open('', failures, opened_at, until_ms, token, text(now + lease_ms))`;

export const resetLua = `${machineLua}
if until_ms then return close('closed') end
if failures > 0 then return close('') end
return answer('')`;

/** KEYS: one for each breaker. ARGV: now. Replies with now, then each hash. */
export const readLua = `
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local reply = { string.format('%.0f', now) }
for _, key in ipairs(KEYS) do
  local state = redis.call('HMGET', key, 'f', 'a', 'o', 'u', 't', 'p')
  for i = 1, 6 do table.insert(reply, state[i] or '') end
end
return reply`;
