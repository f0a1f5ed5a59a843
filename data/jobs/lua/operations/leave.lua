local function operation()
  expect('zset', 'workers')
  expect('hash', 'worker')
  call('ZREM', P .. 'workers', a.node)
  call('HDEL', P .. 'worker', a.node)
  return { ok = true }
end
