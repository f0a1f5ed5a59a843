-- Takes an ended job out of Redis (it lives on in the lake).
local function operation()
  local j = load_sound(a.job)
  if not j then return { no = 'gone' } end
  if not TERMINAL[j.status] then return { no = j.status } end
  expect('zset', 'idx:k:' .. j.kind)
  expect_tags(dec(j.tags or '[]'))
  call('ZREM', P .. 'idx:s:' .. j.status, j.id)
  call('ZREM', P .. 'idx:k:' .. j.kind, j.id)
  for _, tag in ipairs(dec(j.tags or '[]')) do call('ZREM', P .. 'idx:t:' .. tag, j.id) end
  call('HINCRBY', P .. 'ended', j.kind .. ':forgotten', 1)
  call('DEL', job_key(j.id), P .. 'doc:' .. j.id, P .. 'units:' .. j.id, P .. 'ev:' .. j.id, P .. 'todo:' .. j.id)
  return { ok = true }
end
