-- Decides over several buckets at once: all of them give, or none does.
--
-- KEYS:    the buckets. A key holds the moment at which its bucket is full again; no key, full bucket.
-- ARGV[1]: "take" asks first; "add" charges without asking, or gives back.
-- then for each bucket: the microseconds that one unit takes to come back, the burst,
--          the units that must be there, the units that are used up, the units that may be owed.
-- Returns  1 or 0 (given or not), and for each bucket: microseconds until it is full, microseconds to wait.

local time = redis.call('TIME')
-- Counted from 2025, so that microseconds are exact in a double for three centuries.
local now = (time[1] - 1735689600) * 1000000 + time[2]
local asking = ARGV[1] == 'take'
local given, reply, write = 1, {}, {}

for i, key in ipairs(KEYS) do
  local first = 5 * i - 3
  local unit, burst = tonumber(ARGV[first]), tonumber(ARGV[first + 1])
  local need, take = tonumber(ARGV[first + 2]), tonumber(ARGV[first + 3])
  local room = unit * burst
  local deepest = room + unit * tonumber(ARGV[first + 4])

  local backlog = 0
  local stored = redis.call('GET', key)
  if stored then
    local full_at = tonumber(stored)
    -- Not ours: no number, or the one that is not even equal to itself.
    if not full_at or full_at ~= full_at then
      return redis.error_reply('FOREIGN value in a bucket')
    end
    -- A quota that was lowered meanwhile, or a clock that went back, costs no more than an empty bucket.
    backlog = math.min(math.max(full_at - now, 0), deepest)
  end

  local wait = 0
  if asking then
    wait = math.max(backlog + unit * need - room, 0)
    if wait > 0 then given = 0 end
  end
  reply[2 * i], reply[2 * i + 1] = backlog, wait
  if take ~= 0 then
    write[i] = math.min(math.max(backlog + unit * take, 0), deepest)
  end
end

reply[1] = given
if given == 1 then
  for i, backlog in pairs(write) do
    reply[2 * i] = backlog
    if backlog > 0 then
      -- The plain form of a number loses digits from the fifteenth on.
      redis.call('SET', KEYS[i], string.format('%.0f', now + backlog), 'PX', math.ceil(backlog / 1000))
    else
      redis.call('DEL', KEYS[i])
    end
  end
end
return reply
