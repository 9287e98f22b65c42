-- Registers a node and counts the nodes that registered lately.
--
-- KEYS[1]: a sorted set: each node with the moment at which its entry expires.
-- ARGV:    the node, the seconds that an entry lives.
-- Returns  the number of nodes.

local now = tonumber(redis.call('TIME')[1])
local life = tonumber(ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
-- An entry further ahead than any node writes was left by a clock that has since gone back.
redis.call('ZREMRANGEBYSCORE', KEYS[1], now + life + 1, '+inf')
redis.call('ZADD', KEYS[1], now + life, ARGV[1])
redis.call('EXPIRE', KEYS[1], life)
return redis.call('ZCARD', KEYS[1])
