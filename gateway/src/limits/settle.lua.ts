import { leasesLua, preludeLua } from "./prelude.lua.ts";

/**
 * The arithmetic of `settle.ts` inside Redis: one step corrects everything, if one of the leases is alive, or there
 * are none.
 *
 * KEYS[i] is the state of correction i. ARGV: now, then per correction one text "shape start delta limit windowMs
 * extra", in the words of `take.lua.ts`; `start` is that of the window that gave. A window's expiry stays as it is.
 */
export const settleLua = `${preludeLua}
local has_lease, is_alive = false, false
for i, key in ipairs(KEYS) do
  local lease = string.match(ARGV[i + 1], '^k .* (%S+)$')
  if lease then
    has_lease = true
    if (tonumber(redis.call('ZSCORE', key, lease)) or 0) > now then is_alive = true end
    redis.call('ZREM', key, lease)
  end
end
if has_lease and not is_alive then return 0 end

for i, key in ipairs(KEYS) do
  local shape, start, delta, limit, window, extra =
    string.match(ARGV[i + 1], '(%l) (%S+) (%S+) (%S+) (%S+) (%S+)')
  start, delta, limit, window = tonumber(start), tonumber(delta), tonumber(limit), tonumber(window)
  if shape == 'b' then
    local capacity = tonumber(extra)
    if limit == 0 then capacity = 0 end
    local stored = redis.call('HMGET', key, 't', 'u')
    local tokens, updated = tonumber(stored[1]), tonumber(stored[2])
    if tokens or delta > 0 then
      if not tokens then tokens, updated = capacity, now end
      local since = math.max(updated, now)
      local level = math.min(capacity, tokens + (since - updated) * limit / window)
      level = math.max(0 - capacity, math.min(capacity, level - delta))
      local reset = window
      if limit > 0 then reset = math.ceil((capacity - level) * window / limit) end
      store(key, { 't', level, 'u', since, reset + 1000 + (since - now) })
    end
  elseif shape ~= 'k' then
    local stored = redis.call('HMGET', key, 's', 'c')
    if tonumber(stored[1]) == start then
      redis.call('HSET', key, 'c', string.format('%.17g', math.max(0, tonumber(stored[2]) + delta)))
    end
  end
end
return 1`;

/** KEYS[1]: leases. ARGV: now, id, windowMs. Replies 1 if the lease was alive and lasts longer now. */
export const renewLua = `${preludeLua}${leasesLua}
local ends = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[2])) or 0
if ends <= now then return 0 end
hold_until(KEYS[1], ARGV[2], math.max(ends, now + tonumber(ARGV[3])))
return 1`;
