-- Puts a job back that an emptied server has lost; the caller made its fields and units from the lake.
local function operation()
  if load(a.job) then return { no = 'known' } end
  expect_all(a.job, a.fields.kind)
  expect('zset', 'idx:k:' .. a.fields.kind)
  expect_tags(dec(a.fields.tags or '[]'))
  for name, value in pairs(a.fields) do call('HSET', job_key(a.job), name, value) end
  for name, value in pairs(a.doc) do call('HSET', P .. 'doc:' .. a.job, name, value) end
  for u, t in pairs(a.units) do put_unit(a.job, u, t) end
  local j = load(a.job)
  set(j, 'bucket', bucket_of(num(j.took)))
  call('ZADD', P .. 'idx:s:' .. j.status, j.created, j.id)
  call('ZADD', P .. 'idx:k:' .. j.kind, j.created, j.id)
  for _, tag in ipairs(dec(j.tags or '[]')) do call('ZADD', P .. 'idx:t:' .. tag, j.created, j.id) end
  count_ended(j, 1)
  event(j.id, 'status', { status = j.status })
  return { ok = true }
end
