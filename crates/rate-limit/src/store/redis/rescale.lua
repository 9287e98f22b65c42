-- Keeps the units that are used of a bucket, at another price.
--
-- KEYS[1]: the bucket, as in decide.lua.
-- ARGV:    the microseconds that one unit took to come back, and those that it takes now.
-- Returns  1.

local stored = redis.call('GET', KEYS[1])
if not stored then return 1 end
local full_at = tonumber(stored)
if not full_at or full_at ~= full_at then
  return redis.error_reply('FOREIGN value in a bucket')
end
local time = redis.call('TIME')
local now = (time[1] - 1735689600) * 1000000 + time[2]
local used = math.max(full_at - now, 0) / tonumber(ARGV[1])
-- No backlog is longer than a hundred years.
local backlog = math.ceil(math.min(used * tonumber(ARGV[2]), 3153600000000000))
if backlog > 0 then
  redis.call('SET', KEYS[1], string.format('%.0f', now + backlog), 'PX', math.ceil(backlog / 1000))
else
  redis.call('DEL', KEYS[1])
end
return 1
