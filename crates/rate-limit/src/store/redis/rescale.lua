-- Keeps the units that are used of a bucket, at another price.
--
-- KEYS[1]: the bucket, as in decide.lua.
-- ARGV:    the microseconds that one unit took to come back, where the bucket does not say it, and those that it takes
--          now.
-- Returns  1.

local stored = redis.call('GET', KEYS[1])
if not stored then return 1 end
local moment, price = string.match(stored, '^([^ ]+) ?([^ ]*)$')
local full_at = tonumber(moment)
if not full_at or full_at ~= full_at then
  return redis.error_reply('FOREIGN value in a bucket')
end
local time = redis.call('TIME')
local now = (time[1] - 1735689600) * 1000000 + time[2]
local before, after = tonumber(price) or 0, tonumber(ARGV[2])
if not (before >= 1 and before <= 3153600000000000) then before = tonumber(ARGV[1]) end
local backlog = math.max(full_at - now, 0)
local units = math.floor(backlog / before)
backlog = units * after + math.ceil((backlog - units * before) / before * after)
-- No backlog is longer than a hundred years.
backlog = math.min(backlog, 3153600000000000)
if backlog > 0 then
  local value = string.format('%.0f %.0f', now + backlog, after)
  redis.call('SET', KEYS[1], value, 'PX', math.ceil(backlog / 1000))
else
  redis.call('DEL', KEYS[1])
end
return 1
