-- Sessions of a fleet. KEYS[1] is the prefix; all keys begin with it.
--   PREFIX:s:DIGEST  hash: d the sealed record, u last use, m its seal, o owner, x end by the clock of the server, i idle time
--   PREFIX:o:OWNER   sorted set: the digests of an owner, by the order in which they were opened
--   PREFIX:all       sorted set: all digests, by the time at which they end unless they are used
-- All times are milliseconds. Ends are by the clock of the server: a process with a wrong clock ends nothing.
local prefix, mode = KEYS[1], ARGV[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local all = prefix .. ':all'

-- A write without effect: a server that became a replica, or may not write, refuses it and so each question.
redis.call('DEL', prefix .. ':none')

if mode == 'probe' then
  -- Every command of the other modes, so that none is found to be missing in the middle of a change.
  local key, set = prefix .. ':probe:h', prefix .. ':probe:z'
  redis.call('EXISTS', key)
  redis.call('HSET', key, 'u', 0)
  redis.call('HGET', key, 'u')
  redis.call('HMGET', key, 'u')
  redis.call('PEXPIRE', key, 1000)
  redis.call('PTTL', key)
  redis.call('DEL', key)
  redis.call('ZADD', set, 0, 'probe')
  redis.call('ZCARD', set)
  redis.call('ZRANGE', set, 0, -1)
  redis.call('ZREVRANGE', set, 0, 0, 'WITHSCORES')
  redis.call('ZREMRANGEBYSCORE', set, '-inf', 0)
  redis.call('ZREM', set, 'probe')
  return 1
end

local function session(digest) return prefix .. ':s:' .. digest end
local function owned(owner) return prefix .. ':o:' .. owner end

local function drop(digest, owner)
  redis.call('ZREM', owned(owner), digest)
  redis.call('ZREM', all, digest)
  return redis.call('DEL', session(digest))
end

-- The sessions of an owner that have not ended, the first opened first.
local function live(owner)
  local found = {}
  for _, digest in ipairs(redis.call('ZRANGE', owned(owner), 0, -1)) do
    if redis.call('EXISTS', session(digest)) == 1 then
      found[#found + 1] = digest
    else
      drop(digest, owner)
    end
  end
  return found
end

-- Writes a session, which ends at `x` and before if it is not used for `i`.
local function write(digest, owner, record, used, lasts, idle, seal)
  local ends = now + lasts
  local left = math.max(1, math.min(lasts, idle))
  local key, set = session(digest), owned(owner)
  redis.call('HSET', key, 'd', record, 'u', used, 'm', seal, 'o', owner, 'x', ends, 'i', idle)
  redis.call('PEXPIRE', key, left)
  -- A number that grows: two sessions of one millisecond keep their order.
  local last = redis.call('ZREVRANGE', set, 0, 0, 'WITHSCORES')
  redis.call('ZADD', set, math.max(now, (tonumber(last[2]) or 0) + 1), digest)
  redis.call('ZADD', all, now + left, digest)
  if redis.call('PTTL', set) < lasts then redis.call('PEXPIRE', set, math.max(1, lasts)) end
end

if mode == 'find' then
  return redis.call('HMGET', session(ARGV[2]), 'd', 'u', 'm')
end

if mode == 'list' then
  local found = {}
  for _, digest in ipairs(live(ARGV[2])) do
    local fields = redis.call('HMGET', session(digest), 'd', 'u', 'm')
    found[#found + 1] = digest
    found[#found + 1] = fields[1]
    found[#found + 1] = fields[2]
    found[#found + 1] = fields[3]
  end
  return found
end

if mode == 'touch' then
  local digest, used = ARGV[2], tonumber(ARGV[3])
  local fields = redis.call('HMGET', session(digest), 'u', 'x', 'i')
  if not fields[1] or used <= tonumber(fields[1]) then return 0 end
  local left = math.max(1, math.min(tonumber(fields[3]), tonumber(fields[2]) - now))
  redis.call('HSET', session(digest), 'u', ARGV[3], 'm', ARGV[4])
  redis.call('PEXPIRE', session(digest), left)
  redis.call('ZADD', all, now + left, digest)
  return 1
end

if mode == 'remove' then
  local owner = redis.call('HGET', session(ARGV[2]), 'o')
  if not owner then return 0 end
  return drop(ARGV[2], owner)
end

if mode == 'remove_all' then
  local removed = 0
  for _, digest in ipairs(live(ARGV[2])) do
    if digest ~= ARGV[3] then removed = removed + drop(digest, ARGV[2]) end
  end
  return removed
end

-- insert and replace: digest, owner, record, used, lasts, idle, most of an owner, most of all, the seal of `used`, and
-- the old digest.
local digest, owner, record = ARGV[2], ARGV[3], ARGV[4]
local per_owner, capacity = tonumber(ARGV[8]), tonumber(ARGV[9])
if mode == 'replace' then
  local before = redis.call('HGET', session(ARGV[11]), 'o')
  -- The same call a second time, after a lost reply.
  if not before then return {redis.call('EXISTS', session(digest))} end
  drop(ARGV[11], before)
elseif redis.call('EXISTS', session(digest)) == 1 then
  return {1}
end
local gave_way = {1}
local others = live(owner)
while #others >= per_owner do
  gave_way[#gave_way + 1] = others[1]
  drop(table.remove(others, 1), owner)
end
if mode == 'insert' then
  redis.call('ZREMRANGEBYSCORE', all, '-inf', now)
  if redis.call('ZCARD', all) >= capacity then
    if #others == 0 then return {0} end
    gave_way[#gave_way + 1] = others[1]
    drop(others[1], owner)
  end
end
write(digest, owner, record, ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[10])
return gave_way
