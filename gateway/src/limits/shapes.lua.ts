/** `first-fit.ts`, where it is needed: a decision that admits pays for no function that it does not call. */
const firstFitLua = `
local function first_fit(fits)
  local step, too_short = 1, 0
  while not fits(step) do step = step * 2 end
  while step >= 1 do
    if not fits(too_short + step) then too_short = too_short + step end
    step = step / 2
  end
  return too_short + 1
end
`;

/**
 * The arithmetic of `windows.ts`, `bucket.ts`, `leases.ts` and `holds.ts` in Lua: what `take.lua.ts` does with one
 * dimension, the most frequent shapes first. A window sets `start`, `used` and `ttl`; every other shape sets the reply
 * and, if it fits, what to write.
 */
export const shapesLua = `
  if shape == 'w' then
    local stored = redis.call('HMGET', key, 's', 'c')
    start, used = tonumber(stored[1]), tonumber(stored[2])
    if not start or now >= start + window or now < start - window then start, used = now, 0 end
    ttl = math.max(1, window + start - now)

  elseif shape == 'b' then
    local capacity = tonumber(extra)
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
      else${firstFitLua}
        retry = since + first_fit(function(wait) return level_at(since + wait) >= cost end) - now
      end
    else
      level = level - cost
      remaining = math.floor(level)
    end
    reset = window
    if limit > 0 then reset = math.ceil((capacity - level) * window / limit) end
    if verdict == 1 then writes[i] = { 't', level, 'u', since, reset + 1000 + (since - now) } end

  elseif shape == 'q' then
    start, used = aligned_now(key, window)
    if start then
      ttl = 2 * window + start - now
    else
      verdict, reset = 3, window
    end

  elseif shape == 'e' then
    remaining = tonumber(redis.call('GET', key)) or -1
    if remaining > limit then verdict = 2 end

  elseif shape == 'a' then
    local today
    start, used, today = aligned_now(key, window)
    if not start then start, used = today, 0 end
    ttl = window + start - now

  elseif shape == 's' then
    local stored = redis.call('HMGET', key, 's', 'c', 'p')
    local stored_start = tonumber(stored[1])
    local function slid_to(time)
      local start = math.floor(time / window) * window
      if not stored_start or start >= stored_start + 2 * window or start < stored_start - window then
        return start, 0, 0
      end
      if start > stored_start then return start, 0, tonumber(stored[2]) end
      return stored_start, tonumber(stored[2]), tonumber(stored[3])
    end
    local function use_at(time)
      local start, count, previous = slid_to(time)
      local elapsed = math.max(0, time - start)
      return count + math.floor(previous * (window - elapsed) / window)
    end
    local since, count, previous = slid_to(now)
    local weighed = use_at(now)
    reset = since + window - now
    if weighed + cost > limit then
      verdict, remaining, retry = 0, math.max(0, limit - weighed), -1
      if cost <= limit then${firstFitLua}
        retry = first_fit(function(wait) return use_at(now + wait) + cost <= limit end)
      end
    else
      remaining = limit - weighed - cost
      writes[i] = { 's', since, 'c', count + cost, 2 * window + since - now, previous = previous }
    end

  elseif shape == 'k' then
    local after_now = string.format('(%.17g', now)
    local live = redis.call('ZCOUNT', key, after_now, '+inf')
    if live + cost > limit then
      verdict, remaining, retry = 0, math.max(0, limit - live), -1
      if cost <= limit then
        local ends = redis.call('ZRANGEBYSCORE', key, after_now, '+inf', 'WITHSCORES', 'LIMIT',
          live + cost - limit - 1, 1)
        retry = tonumber(ends[2]) - now
      end
    else
      remaining = limit - live - cost
      if cost > 0 then writes[i] = { lease = extra, ends = now + window } end
    end

  else
    reset = math.max(0, (tonumber(redis.call('HGET', key, 'u')) or 0) - now)
    if reset > 0 then verdict, retry = 0, reset end
  end
`;
