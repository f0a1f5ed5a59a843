-- A worker says goodbye.
local function operation()
  write('zset', 'workers', 'ZREM', args.node)
  write('hash', 'worker', 'HDEL', args.node)
  return { ok = true }
end
