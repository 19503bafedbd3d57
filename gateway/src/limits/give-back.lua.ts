/**
 * The arithmetic of `give-back.ts` inside Redis: one step returns everything.
 *
 * KEYS[i] is the state of dimension i, ARGV[i] one text "shape start cost capacity"; a shape is w window, q dailyQuota,
 * b bucket, e epoch. Expiry stays as it is.
 */
export const giveBackLua = `
for i, key in ipairs(KEYS) do
  local shape, start, cost, capacity = string.match(ARGV[i], '(%S+) (%S+) (%S+) (%S+)')
  start, cost, capacity = tonumber(start), tonumber(cost), tonumber(capacity)
  if shape == 'b' then
    local tokens = tonumber(redis.call('HGET', key, 't'))
    if tokens then
      redis.call('HSET', key, 't', string.format('%.17g', math.min(capacity, tokens + cost)))
    end
  elseif shape ~= 'e' then
    local stored = redis.call('HMGET', key, 's', 'c')
    if tonumber(stored[1]) == start then
      redis.call('HSET', key, 'c', string.format('%.17g', math.max(0, tonumber(stored[2]) - cost)))
    end
  end
end
return 1`;
