-- Records of API keys. KEYS[1] is the prefix; all keys begin with it.
--   PREFIX:k:ID    the sealed record
--   PREFIX:index   sorted set: all ids, by the time at which they were minted
local prefix, mode = KEYS[1], ARGV[1]
local index = prefix .. ':index'

-- A write without effect: a server that became a replica, or may not write, refuses it and so each question.
redis.call('DEL', prefix .. ':none')

if mode == 'probe' then
  -- Every command of the other modes, so that none is found to be missing in the middle of a change.
  local list = prefix .. ':probe'
  redis.call('SET', prefix .. ':none', '')
  redis.call('GET', prefix .. ':none')
  redis.call('DEL', prefix .. ':none')
  redis.call('ZADD', list, 0, 'probe')
  redis.call('ZRANGE', list, 0, -1)
  redis.call('ZREM', list, 'probe')
  return 1
end

local function record(id) return prefix .. ':k:' .. id end

if mode == 'find' then
  return redis.call('GET', record(ARGV[2]))
end

if mode == 'ids' then
  return redis.call('ZRANGE', index, 0, -1)
end

if mode == 'records' then
  local found = {}
  for place = 2, #ARGV do
    -- A missing record is false, which the client reads as nothing.
    found[place - 1] = redis.call('GET', record(ARGV[place]))
  end
  return found
end

if mode == 'remove' then
  redis.call('ZREM', index, ARGV[2])
  return redis.call('DEL', record(ARGV[2]))
end

-- write: id, the record that must be there (empty: none), the new record, and the order in the list.
local id, before, after = ARGV[2], ARGV[3], ARGV[4]
local current = redis.call('GET', record(id))
if current == after then return 1 end
if (current or '') ~= before then return 0 end
redis.call('SET', record(id), after)
redis.call('ZADD', index, ARGV[5], id)
return 1
