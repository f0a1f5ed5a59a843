-- What is known of a submission that comes again: its job, if that has its launch or has ended. Else the caller's own
-- id is recorded (again): whatever a half-made record lacks is written once more.
local function replay()
  local id = args.id
  if args.idem then
    local known = read('string', 'GET', scope .. 'idem:' .. args.idem)
    if known then
      known = dec(known)
      if known.body ~= args.body then return { ok = false, job = known.job } end
      id = known.job
    end
  end
  local status = read('hash', 'HGET', scope .. 'job:' .. id, 'status')
  if status and (TERMINAL[status] or read_unit(id, 'launch')) then return { ok = true, job = id, replayed = true } end
  if id ~= args.id then return { ok = true, job = id, replayed = true, lost = true } end
  if status then -- it never began: made anew, under the same id
    write('zset', scope .. 'idx:s:' .. status, 'ZREM', id)
    drop('hash', scope .. 'job:' .. id)
    drop('hash', scope .. 'units:' .. id)
    drop('list', scope .. 'todo:' .. id)
  end
end

-- The entry of whoever submits, where the audit's stream holds others (data/audit/stream.py begins it): how many it holds.
local function add_audit_entry(entry)
  local held = redis.pcall('XLEN', P .. 'audit')
  if type(held) ~= 'number' or held == 0 then return end
  typed.audit = true
  write('stream', 'audit', 'XADD', '*', 'e', '[' .. entry .. ']')
  return held + 1
end

local function operation()
  local known = replay()
  if known then return known end
  local job = { id = args.id }
  subject = job.id
  for name, value in pairs(args.fields) do set(job, name, value) end
  for name, value in pairs({
    status = 'pending', created = now, started = '', attempt = 1, close = 'publish', busy = 0, waits = 0,
  }) do set(job, name, value) end
  if args.max_live or args.quota then limits().take(job) end
  write('hash', scope .. 'doc:' .. job.id, 'HSET', 'input', args.input, 'spec', args.spec)
  write('zset', scope .. 'idx:s:pending', 'ZADD', now, job.id)
  write('zset', scope .. 'idx:k:' .. job.kind, 'ZADD', now, job.id)
  for _, tag in ipairs(args.tags or {}) do write('zset', scope .. 'idx:t:' .. tag, 'ZADD', now, job.id) end
  note_project(job)
  if args.later then need_later(job) end
  event('status', { status = 'pending' })
  if args.deadline_s then
    set(job, 'deadline', now + args.deadline_s * 1000)
    due('~', job.deadline)
  end
  local launch = { [STATUS] = PLANNED, [EPOCH] = 1, [STAGE_INDEX] = 0 }
  if args.run_at and args.run_at > now then
    set(job, 'run_at', args.run_at)
    move(job, 'launch', launch, WAITING)
    put_unit('launch', launch)
    due('launch', args.run_at)
  else
    hand(job, 'launch', launch, false)
  end
  if args.idem then
    write('string', scope .. 'idem:' .. args.idem, 'SET', enc({ job = job.id, body = args.body }), 'EX', IDEMPOTENCY_S)
  end
  return { ok = true, job = job.id, audited = args.audit and add_audit_entry(args.audit) }
end
