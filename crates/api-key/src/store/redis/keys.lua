-- Records of API keys. KEYS[1] is the prefix; all keys begin with it.
--   PREFIX:k:ID    the sealed record
--   PREFIX:index   sorted set: all ids, by the time at which they were minted
local prefix, mode = KEYS[1], ARGV[1]
local index = prefix .. ':index'

-- A write without effect: a server that became a replica, or may not write, refuses it and so each question.
redis.call('DEL', prefix .. ':none')

local function record(id) return prefix .. ':k:' .. id end

if mode == 'find' then
  return redis.call('GET', record(ARGV[2]))
end

if mode == 'list' then
  local ids = redis.call('ZRANGE', index, ARGV[2], ARGV[3])
  local found = {}
  for _, id in ipairs(ids) do
    found[#found + 1] = id
    found[#found + 1] = redis.call('GET', record(id))
  end
  return found
end

-- write: id, the record that must be there (empty: none), the new record, and the order in the list.
local id, before, after = ARGV[2], ARGV[3], ARGV[4]
local current = redis.call('GET', record(id))
if current == after then return 1 end
if (current or '') ~= before then return 0 end
redis.call('SET', record(id), after)
redis.call('ZADD', index, ARGV[5], id)
return 1
