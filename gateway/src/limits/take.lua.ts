/**
 * The arithmetic of `shapes.ts` inside Redis: one step decides every dimension, and nothing is written unless all fit.
 *
 * KEYS[i] is the state of dimension i. ARGV: now in ms (empty: the server's clock), 1 to commit or 0 to judge only,
 * then per dimension one text "shape limit windowMs cost capacity", for each argument has a price of its own on the
 * wire. A shape is w window, q dailyQuota, b bucket, e epoch.
 * Replies with texts of whole numbers: "allowed now", then per dimension "verdict remaining resetMs retryMs".
 * A verdict is 0 exceeded, 1 fits, 2 stale, 3 unseeded.
 *
 * Numbers are formatted here because Lua's own conversion keeps 14 digits only.
 */
export const takeLua = `${preludeLua()}
local replies, writes, allowed = {}, {}, 1

for i, key in ipairs(KEYS) do
  local shape, limit, window, cost, capacity = string.match(ARGV[i + 2], '(%S+) (%S+) (%S+) (%S+) (%S+)')
  limit, window, cost, capacity = tonumber(limit), tonumber(window), tonumber(cost), tonumber(capacity)
  local verdict, remaining, reset, retry = 1, 0, 0, 0
  local start, used, ttl

  if shape == 'w' then
    local stored = redis.call('HMGET', key, 's', 'c')
    start, used = tonumber(stored[1]), tonumber(stored[2])
    if not start or now >= start + window or now < start - window then start, used = now, 0 end
    ttl = math.max(1, window + start - now)

  elseif shape == 'q' then
    start, used = quota_of_today(key, window)
    if start then
      ttl = 2 * window + start - now
    else
      verdict, reset = 3, window
    end

  elseif shape == 'b' then
    if limit == 0 then capacity = 0 end
    local stored = redis.call('HMGET', key, 't', 'u')
    local tokens, updated = tonumber(stored[1]), tonumber(stored[2])
    if not tokens then tokens, updated = capacity, now end
    local function level_at(time)
      return math.min(capacity, tokens + (time - updated) * limit / window)
    end
    local since = math.max(updated, now)
    local level = level_at(since)
    if level < cost then
      verdict, remaining = 0, math.max(0, math.floor(level))
      if cost > capacity or limit == 0 then
        retry = -1
      else
        local step, too_short = 1, 0
        while level_at(since + step) < cost do step = step * 2 end
        while step >= 1 do
          if level_at(since + too_short + step) < cost then too_short = too_short + step end
          step = step / 2
        end
        retry = since + (too_short + 1) - now
      end
    else
      level = level - cost
      remaining = math.floor(level)
    end
    reset = window
    if limit > 0 then reset = math.ceil((capacity - level) * window / limit) end
    if verdict == 1 then writes[i] = { 't', level, 'u', since, reset + 1000 + (since - now) } end

  else
    remaining = tonumber(redis.call('GET', key)) or -1
    if remaining > limit then verdict = 2 end
  end

  if start then
    reset = start + window - now
    if used + cost > limit then
      verdict, remaining = 0, math.max(0, limit - used)
      retry = cost > limit and -1 or reset
    else
      remaining = limit - used - cost
      writes[i] = { 's', start, 'c', used + cost, ttl }
    end
  end

  if verdict ~= 1 then allowed = 0 end
  replies[i + 1] = string.format('%.0f %.0f %.0f %.0f', verdict, remaining, reset, retry)
end

if allowed == 1 and ARGV[2] == '1' then
  for i, write in pairs(writes) do store(KEYS[i], write) end
end

replies[1] = string.format('%.0f %.0f', allowed, now)
return replies`;

/** KEYS[1]: a daily quota. ARGV: now (as above), windowMs, used. Raises today's count to at least `used`. */
export const seedLua = `${preludeLua()}
local window, used = tonumber(ARGV[2]), tonumber(ARGV[3])
local start, count, today = quota_of_today(KEYS[1], window)
if not start then start, count = today, 0 end
store(KEYS[1], { 's', start, 'c', math.max(count, used), 2 * window + start - now })
return 1`;

/** KEYS[1]: an epoch. ARGV[1]: raise it to at least this. */
export const raiseEpochLua = `
if tonumber(ARGV[1]) > (tonumber(redis.call('GET', KEYS[1])) or -1) then redis.call('SET', KEYS[1], ARGV[1]) end
return 1`;

/** Under a clock of the caller's, expiry is padded by an hour: the server's clock must not end what still counts. */
function preludeLua(): string {
  return `
local now, padding = tonumber(ARGV[1]), 3600000
if not now then
  local time = redis.call('TIME')
  now, padding = time[1] * 1000 + math.floor(time[2] / 1000), 0
end

local function quota_of_today(key, window)
  local stored = redis.call('HMGET', key, 's', 'c')
  local start, used = tonumber(stored[1]), tonumber(stored[2])
  local today = math.floor(now / window) * window
  if start and (today > start or today < start - window) then start, used = today, 0 end
  return start, used, today
end

local function store(key, write)
  redis.call('HSET', key, write[1], string.format('%.17g', write[2]), write[3], string.format('%.17g', write[4]))
  redis.call('PEXPIRE', key, string.format('%.0f', math.min(write[5] + padding, 9007199254740991)))
end
`;
}
