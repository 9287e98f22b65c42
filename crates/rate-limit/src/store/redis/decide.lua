-- Decides over several buckets at once: all of them give, or none does.
--
-- KEYS:    the buckets. A key holds the moment at which its bucket is full again; no key, full bucket.
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

local function save(key, backlog)
  if backlog > 0 then
    -- The plain form of a number loses digits from the fifteenth on.
    redis.call('SET', key, string.format('%.0f', now + backlog), 'PX', math.ceil(backlog / 1000))
  else
    redis.call('DEL', key)
  end
end

for i, key in ipairs(KEYS) do
  local first = 6 * i - 4
  local unit, burst = tonumber(ARGV[first]), tonumber(ARGV[first + 1])
  local need, take = tonumber(ARGV[first + 2]), tonumber(ARGV[first + 3])
  local capacity = unit * burst
  local deepest = capacity + unit * tonumber(ARGV[first + 4])
  local ceiling = tonumber(ARGV[first + 5])

  local backlog = 0
  local stored = redis.call('GET', key)
  if stored then
    local full_at = tonumber(stored)
    -- Not ours: no number, or the one that is not even equal to itself.
    if not full_at or full_at ~= full_at then
      return redis.error_reply('FOREIGN value in a bucket')
    end
    backlog = math.max(full_at - now, 0)
    -- A quota that was lowered meanwhile, or a clock that went back, costs no more than the limit could.
    -- This is written also if the answer is no: otherwise the wait in that answer would not suffice.
    -- Who only looks may not know the limit of the service, and must not forgive what it counted.
    if backlog > ceiling and not looking then
      backlog, clamped[i] = ceiling, ceiling
    end
  end

  local wait = 0
  if asking then
    wait = math.max(backlog + unit * need - capacity, 0)
    if wait > 0 then given = 0 end
  else
    backlog = math.max(backlog - unit * need, 0)
  end
  reply[2 * i], reply[2 * i + 1] = backlog, wait
  if not looking and (take ~= 0 or clamped[i] or (need ~= 0 and not asking)) then
    -- A charge never lowers what a higher tier has used.
    write[i] = math.max(backlog, math.min(backlog + unit * take, deepest))
  end
end

reply[1] = given
if given == 1 then
  for i, backlog in pairs(write) do
    reply[2 * i] = backlog
    save(KEYS[i], backlog)
  end
else
  for i, backlog in pairs(clamped) do
    save(KEYS[i], backlog)
  end
end
return reply
