-- Counters of budgets: all of a request are reserved at once, or none is.
--
-- KEYS:    one hash for each counter: `used`, `held`, and a field for each reserve under way.
-- ARGV[1]: "reserve", "settle", "read", or "probe", which reserves, reads and removes in a counter that no request has.
-- ARGV[2]: the field of the reserve.
-- then for each counter: the units (to reserve, or that were used), the amount of the budget,
--          and the seconds after which a counter that nothing touched is forgotten.
-- Returns  1 or 0 (granted or not), and for each counter: units used, units held.

local mode, field = ARGV[1], 'r:' .. ARGV[2]
-- Sums end here: a double holds them exactly.
local most = 4503599627370496
local granted, reply = 1, {}

local function read(key, name)
  local stored = redis.call('HGET', key, name)
  if not stored then return nil end
  local number = tonumber(stored)
  -- Not ours: no number, a negative one, or the one that is not even equal to itself.
  if not number or not (number >= 0) then return -1 end
  return number
end

local function write(key, name, number)
  -- The plain form of a number loses digits from the fifteenth on.
  redis.call('HSET', key, name, string.format('%.0f', math.min(number, most)))
end

if mode == 'probe' then
  write(KEYS[1], field, 0)
  read(KEYS[1], field)
  redis.call('EXPIRE', KEYS[1], ARGV[5])
  redis.call('HDEL', KEYS[1], field)
  return {1, 0, 0}
end

for i, key in ipairs(KEYS) do
  local used, held = read(key, 'used') or 0, read(key, 'held') or 0
  if used < 0 or held < 0 then return redis.error_reply('FOREIGN value in a budget') end
  local units, amount = tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1])
  if mode == 'reserve' and used + held + units > amount then granted = 0 end
  reply[2 * i], reply[2 * i + 1] = used, held
end

reply[1] = granted
if mode == 'read' or granted == 0 then return reply end

for i, key in ipairs(KEYS) do
  local units = tonumber(ARGV[3 * i])
  local used, held = reply[2 * i], reply[2 * i + 1]
  if mode == 'reserve' then
    held = held + units
    write(key, field, units)
    write(key, 'held', held)
  else
    -- A settlement that is sent again finds no reserve, and changes nothing.
    local reserved = read(key, field)
    if reserved then
      held, used = math.max(held - math.max(reserved, 0), 0), used + units
      redis.call('HDEL', key, field)
      write(key, 'held', held)
      write(key, 'used', used)
    end
  end
  redis.call('EXPIRE', key, ARGV[3 * i + 2])
  reply[2 * i], reply[2 * i + 1] = used, held
end
return reply
