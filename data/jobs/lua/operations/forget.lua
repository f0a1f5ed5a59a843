-- Takes an ended job out of Redis (it lives on in the lake).
local function operation()
  local job = load(args.job)
  if not job then return { no = 'gone' } end
  if not TERMINAL[job.status] then return { no = job.status } end
  write('zset', 'idx:s:' .. job.status, 'ZREM', job.id)
  write('zset', 'idx:k:' .. job.kind, 'ZREM', job.id)
  for _, tag in ipairs(dec(job.tags or '[]')) do write('zset', 'idx:t:' .. tag, 'ZREM', job.id) end
  count('ended', job.kind .. ':forgotten', 1)
  for _, key in ipairs({ 'job:', 'doc:', 'units:' }) do drop('hash', key .. job.id) end
  drop('stream', 'ev:' .. job.id)
  drop('list', 'todo:' .. job.id)
  return { ok = true }
end
