-- Puts a job back that an emptied server has lost; the caller made its fields and units, as they are stored, from the
-- lake.
local function operation()
  local job = load(args.job)
  if job then return { no = 'known' } end
  job = { id = args.job }
  subject = job.id
  for name, value in pairs(args.fields) do set(job, name, value) end
  for name, value in pairs(args.doc) do write('hash', scope .. 'doc:' .. job.id, 'HSET', name, value) end
  for name, unit in pairs(args.units) do put_unit(name, unit) end
  set(job, 'bucket', bucket_of(num(job.took)))
  write('zset', scope .. 'idx:s:' .. job.status, 'ZADD', num(job.created), job.id)
  write('zset', scope .. 'idx:k:' .. job.kind, 'ZADD', num(job.created), job.id)
  for _, tag in ipairs(dec(job.tags or '[]')) do write('zset', scope .. 'idx:t:' .. tag, 'ZADD', num(job.created), job.id) end
  count_ended(job, 1)
  note_project(job)
  if args.quota then limits().count_restored(job, dec(args.quota)) end
  moved = job.status
  event('status', { status = job.status })
  if args.fails then
    job.why = args.doc.error
    notice_end(job, job.status, true)
  end
  return { ok = true }
end
