/**
 * How every script of the counters begins: the time, and how a state of two numbers (perhaps a third, `previous`) is
 * written. ARGV[1] is now in ms; empty: the server's clock. Under a clock of the caller's, expiry is padded by an
 * hour: the server's clock must not end what still counts.
 *
 * Numbers are formatted here because Lua's own conversion keeps 14 digits only.
 */
export const preludeLua = `
local now, padding = tonumber(ARGV[1]), 3600000
if not now then
  local time = redis.call('TIME')
  now, padding = time[1] * 1000 + math.floor(time[2] / 1000), 0
end

local function store(key, write)
  redis.call('HSET', key, write[1], string.format('%.17g', write[2]), write[3], string.format('%.17g', write[4]))
  if write.previous then redis.call('HSET', key, 'p', string.format('%.17g', write.previous)) end
  redis.call('PEXPIRE', key, string.format('%.0f', math.min(write[5] + padding, 9007199254740991)))
end
`;

/** Of windows that start at multiples of their length: `aligned_now(key, window)` → start, used, start of today's. */
export const alignedLua = `
local function aligned_now(key, window)
  local stored = redis.call('HMGET', key, 's', 'c')
  local start, used = tonumber(stored[1]), tonumber(stored[2])
  local today = math.floor(now / window) * window
  if start and (today > start or today < start - window) then start, used = today, 0 end
  return start, used, today
end
`;

/** A set of ids with the times (ms) at which they end; it is forgotten with the last of them. */
export const leasesLua = `
local function hold_until(key, id, ends)
  redis.call('ZADD', key, string.format('%.17g', ends), id)
  local last = tonumber(redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')[2])
  redis.call('PEXPIRE', key, string.format('%.0f', math.min(last - now + 1000 + padding, 9007199254740991)))
end
`;
