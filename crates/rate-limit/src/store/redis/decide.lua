-- Decides over several buckets at once: all of them give, or none does.
--
-- KEYS:    the buckets. A key holds the moment at which its bucket is full again, and the price of its units: the
--          microseconds that one took to come back. No key, full bucket.
-- ARGV[1]: "take" asks first; "add" gives back and charges without asking; "look" asks and writes nothing.
-- then for each bucket: the microseconds that one unit takes to come back, the burst,
--          the units that must be there ("take") or are given back ("add"),
--          the units that are used up, the units that may be owed,
--          the microseconds that no backlog of this limit or of its tiers exceeds.
-- Returns  1 or 0 (given or not), and for each bucket: microseconds until it is full, microseconds to wait.

local time = redis.call('TIME')
-- Counted from 2025, so that microseconds are exact in a double for three centuries.
local now = (time[1] - 1735689600) * 1000000 + time[2]
local asking = ARGV[1] ~= 'add'
local looking = ARGV[1] == 'look'
local given, reply, write, clamped = 1, {}, {}, {}

local function save(key, bucket)
  local backlog, price = bucket[1], bucket[2]
  if backlog > 0 then
    -- The plain form of a number loses digits from the fifteenth on.
    local value = string.format('%.0f %.0f', now + backlog, price)
    redis.call('SET', key, value, 'PX', math.ceil(backlog / 1000))
  else
    redis.call('DEL', key)
  end
end

-- The same number of units at another price, rounded up.
local function at_price(backlog, price, unit)
  if price == unit then return backlog end
  local units = math.floor(backlog / price)
  return units * unit + math.ceil((backlog - units * price) / price * unit)
end

for i, key in ipairs(KEYS) do
  local first = 6 * i - 4
  local unit, burst = tonumber(ARGV[first]), tonumber(ARGV[first + 1])
  local need, take = tonumber(ARGV[first + 2]), tonumber(ARGV[first + 3])
  local debt = tonumber(ARGV[first + 4])
  local deepest = unit * (burst + debt)
  local ceiling = tonumber(ARGV[first + 5])

  local backlog, price = 0, unit
  local stored = redis.call('GET', key)
  if stored then
    local moment, known = string.match(stored, '^([^ ]+) ?([^ ]*)$')
    local full_at = tonumber(moment)
    -- Not ours: no number, or the one that is not even equal to itself.
    if not full_at or full_at ~= full_at then
      return redis.error_reply('FOREIGN value in a bucket')
    end
    backlog, price = math.max(full_at - now, 0), tonumber(known) or unit
    -- A hundred years; also not ours.
    if backlog == 0 or not (price >= 1 and price <= 3153600000000000) then price = unit end
    -- A quota that was lowered meanwhile, or a clock that went back, costs no more than the limit could. Other amounts
    -- are rounded up to units. This is written also if the answer is no: otherwise the wait in it would not suffice.
    -- Who only looks may not know the limit of the service, and must not forgive what it counted.
    local most = ceiling
    if price ~= unit then most = ceiling + 2 * price end
    if backlog > most and not looking then
      backlog, price = ceiling, unit
      clamped[i] = { ceiling, unit }
    end
  end

  -- What is compared are units: as many as are used stay used at another price.
  local wait = 0
  if asking then
    wait = math.max(backlog + price * need - price * burst, 0)
    if wait > 0 then given = 0 end
  else
    backlog = math.max(backlog - price * need, 0)
    if backlog == 0 then price = unit end
  end
  reply[2 * i] = math.min(at_price(backlog, price, unit), ceiling)
  reply[2 * i + 1] = wait
  if not looking and take ~= 0 and backlog <= price * (burst + debt) then
    -- A charge has the price of its limit from now on. It never lowers what a higher tier has used.
    local before = at_price(backlog, price, unit)
    write[i] = { math.max(before, math.min(before + unit * take, deepest)), unit }
  elseif not looking and (clamped[i] or take ~= 0 or (need ~= 0 and not asking)) then
    write[i] = { backlog, price }
  end
end

reply[1] = given
if given == 1 then
  for i, bucket in pairs(write) do
    if bucket[2] == tonumber(ARGV[6 * i - 4]) then reply[2 * i] = bucket[1] end
    save(KEYS[i], bucket)
  end
else
  for i, bucket in pairs(clamped) do
    save(KEYS[i], bucket)
  end
end
return reply
