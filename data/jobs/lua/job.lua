-- The job's own state: its status, its end, how much of it is done.

local function set_status(job, status)
  if job.status == status then return end
  must_be_legal(JOB_MOVES, job.status, status)
  write('zset', scope .. 'idx:s:' .. job.status, 'ZREM', job.id)
  write('zset', scope .. 'idx:s:' .. status, 'ZADD', num(job.created), job.id)
  set(job, 'status', status)
  moved = status
  event('status', { status = status })
end

-- Living workers that do not know the latest form of records.
local function earlier_workers()
  local found = {}
  for _, node in ipairs(read('zset', 'ZRANGEBYSCORE', 'workers', now - GONE_MS, '+inf')) do
    local ok, about = pcall(dec, read('hash', 'HGET', 'worker', node) or '')
    if ok and type(about) == 'table' and num(about.form) < RECORD_VERSION then found[#found + 1] = node end
  end
  return found
end

-- From now on versions before leave all of it alone. One of their workers that lives would go on to take messages, and do
-- nothing with them: while there is one, what would need this is refused.
local function raise_form()
  if num(read('string', 'GET', 'record_version')) >= RECORD_VERSION then return end
  local earlier = earlier_workers()
  if #earlier > 0 then error({ over = { earlier = earlier } }) end
  write('string', 'record_version', 'SET', RECORD_VERSION)
end

-- Of a job of another project than the default one: which it is, and that versions before projects would lose it.
local function note_project(job)
  if not project then return end
  set(job, 'project', project)
  write('hash', 'project_of', 'HSET', job.id, project)
  write('zset', 'projects', 'ZADD', 'NX', now, project)
  raise_form()
end

-- A job that asks for what versions before do not know: while it goes on, they leave all of it alone.
local function need_later(job)
  set(job, FORM, RECORD_VERSION)
  write('set', 'later_jobs', 'SADD', job.id)
  raise_form()
end

-- It has ended: once it was the last one, they may work again.
local function need_no_more(job)
  write('set', 'later_jobs', 'SREM', job.id)
  local others = read('set', 'SCARD', 'later_jobs') - read('set', 'SISMEMBER', 'later_jobs', job.id)
  if others == 0 and read('zset', 'ZCARD', 'projects') == 0 then
    write('string', 'record_version', 'SET', OLDEST_BESIDE)
  end
end

-- Adds to a counter over all jobs, once a decision. HINCRBY would refuse a number that is none amid the writes.
local function count(key, field, by) write('hash', key, 'HSET', field, num(read('hash', 'HGET', key, field)) + by) end

local function bucket_of(took) return math.floor(math.log(took + 1) / math.log(BUCKET)) end

local function count_ended(job, by)
  count(scope .. 'ended', job.kind .. ':' .. job.status, by)
  count(scope .. 'ended', job.kind .. ':ms', by * num(job.took))
  count(scope .. 'hist:' .. job.kind, job.bucket or bucket_of(num(job.took)), by)
end

-- Somebody may want to hear of a job's end. One that was resumed and is completed is what whoever heard of its failure
-- hears, too. `unheard`: who listens is not known, and the deliverer finds out.
local function notice_end(job, status, unheard)
  local kind, least = 'job.' .. status, num(job[MIN_COVERAGE])
  local heard = { kind }
  if status == 'failed' and least > 0 and (job.coverage or '') ~= '' and num(job.coverage) < least then
    kind = 'job.low_coverage'
    heard[2] = kind
  elseif status == 'completed' and num(job.attempt) > 1 then
    heard = { kind, 'job.failed', 'job.low_coverage' }
  end
  local asked = unheard and {} or nil
  if job.notify or job.callback_url then asked = { notify = job.notify, callback_url = job.callback_url } end
  notice(kind, {
    status = status, kind = job.kind, attempt = num(job.attempt), companies = job[COMPANIES] and num(job[COMPANIES]),
    coverage = (job.coverage or '') ~= '' and num(job.coverage) or nil, category = job.category, took_ms = num(job.took),
    parent = (job.parent or '') ~= '' and job.parent or nil, error = job.why,
  }, heard, job, asked)
end

local function end_job(job, status)
  local took = math.max(0, now - num(job.started ~= '' and job.started or now))
  set(job, 'finished', now)
  set(job, 'took', took)
  set(job, 'bucket', bucket_of(took))
  set(job, 'busy', 0)
  set(job, 'waits', 0)
  if status == 'completed' then set(job, JOB_PROGRESS, 1000) end
  for _, stage in ipairs({ 'launch', 'publish' }) do -- of no use to a reader, and a server holds a million of these
    unset(job, stage .. STAGE_STARTED, stage .. STAGE_FINISHED, stage .. STAGE_DONE)
    unset(job, stage .. STAGE_ROWS_IN, stage .. STAGE_ROWS_OUT, stage .. STAGE_ERRORS)
  end
  unset(job, 'told')
  if job.quota then limits().leave(job) end
  set_status(job, status)
  notice_end(job, status)
  count_ended(job, 1)
  meter('jobs_ended:' .. job.kind .. ':' .. status .. ':' .. (status == 'failed' and job.category or ''), 1)
  observe('job_duration_seconds:' .. job.kind, JOB_BOUNDS, took)
  undue('~')
  if job[RING] then ring().leave(job) end
  if job[FORM] then need_no_more(job) end
  if status == 'completed' and num(job.coverage) >= 1 then
    for kind, key in pairs({ hash = 'units:', stream = 'ev:', list = 'todo:' }) do
      write(kind, scope .. key .. job.id, 'EXPIRE', ENDED_KEPT_S)
    end
  end
end

-- The share of the whole that is done: every stage of the job weighs the same.
local function set_progress(job)
  local stages, parts = #split(job.stages, ','), #split(job[PARTITION_STAGES], ',')
  local share = parts / math.max(1, stages)
  local done, steps = 0, #split(job.close, ';')
  if num(job[PARTITIONS]) > 0 then done = share * num(job[PARTITION_PROGRESS]) / (num(job[PARTITIONS]) * 1000) end
  if num(job[CLOSE_STEP]) > 0 and steps > 0 then
    done = math.max(done, share) + (1 - share) * (num(job[CLOSE_STEP]) - 1) / steps
  end
  local progress = math.min(999, math.floor(done * 1000))
  if progress > num(job[JOB_PROGRESS]) then set(job, JOB_PROGRESS, progress) end
end

local function tell_progress(job, force)
  set_progress(job)
  local since = now - num(job.told) -- below 0: the clock went back
  if force or since >= PROGRESS_MS or since < 0 then
    set(job, 'told', now)
    event('progress', {
      pct = num(job[JOB_PROGRESS]), message = job[MESSAGE], pages = num(job.pages),
      done = num(job[PARTITIONS_DONE]) + num(job[PARTITIONS_FAILED]), total = num(job[PARTITIONS]),
    })
  end
end
