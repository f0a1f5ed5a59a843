-- Takes an ended job out of Redis (it lives on in the lake).
local function operation()
  local job = load(args.job)
  if not job then return { no = 'gone' } end
  if not TERMINAL[job.status] then return { no = job.status } end
  write('zset', scope .. 'idx:s:' .. job.status, 'ZREM', job.id)
  write('zset', scope .. 'idx:k:' .. job.kind, 'ZREM', job.id)
  for _, tag in ipairs(dec(job.tags or '[]')) do write('zset', scope .. 'idx:t:' .. tag, 'ZREM', job.id) end
  count(scope .. 'ended', job.kind .. ':forgotten', 1)
  for _, key in ipairs({ 'job:', 'doc:', 'units:' }) do drop('hash', scope .. key .. job.id) end
  moved = 'gone'
  if project then write('hash', 'project_of', 'HDEL', job.id) end
  drop('stream', scope .. 'ev:' .. job.id)
  drop('stream', scope .. 'log:' .. job.id)
  drop('list', scope .. 'todo:' .. job.id)
  return { ok = true }
end
