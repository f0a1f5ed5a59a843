-- The answer to a repeat with the same idempotency key, and to a job that cannot be resumed.
local function refused(job)
  if not job then return { no = 'gone' } end
  local known = args.idem and read('string', 'GET', scope .. 'idem:' .. args.idem)
  if known then
    known = dec(known)
    return { ok = known.job == args.job and known.body == args.body, replayed = true }
  end
  local whole = job.status == 'completed' and num(job.coverage) >= 1 and not args.damaged
  if not TERMINAL[job.status] or whole then return { no = job.status } end
end

-- Stages that run once a job: all but those of the partitions.
local function once_stages(job)
  local out, parts = { 'launch', 'render', 'publish' }, ',' .. job[PARTITION_STAGES] .. ','
  for _, stage in ipairs(split(job.stages, ',')) do
    if not parts:find(',' .. stage .. ',', 1, true) then out[#out + 1] = stage end
  end
  return out
end

-- A partition that lost a file is made again from the first stage.
local function start_over(job, unit)
  local stages = split(job[PARTITION_STAGES], ',')
  local done = unit[STATUS] == DONE
  for k = 1, done and #stages or unit[STAGE_INDEX] do add(job, stages[k] .. STAGE_DONE, -1) end
  add(job, PARTITION_PROGRESS, -(done and 1000 or num(unit[PROGRESS])))
  return { [STATUS] = unit[STATUS], [EPOCH] = unit[EPOCH], [STAGE_INDEX] = 0, [NAMED_PAGES] = unit[NAMED_PAGES] }
end

-- A unit as it is planned again: a partition goes on from the stage it is at, with what it has committed.
local function planned_again(job, name, unit)
  must_be_legal(UNIT_MOVES, unit[STATUS], PLANNED)
  local part = is_part(name)
  return {
    [STATUS] = PLANNED, [EPOCH] = unit[EPOCH] + (part and 1 or 0), [STAGE_INDEX] = part and unit[STAGE_INDEX] or 0,
    [COMMITTED_EPOCHS] = unit[COMMITTED_EPOCHS], [FILES] = unit[FILES], [PROGRESS] = unit[PROGRESS],
    [NAMED_PAGES] = unit[NAMED_PAGES],
  }
end

-- Plans again every unit but launch that is not done; how many partitions are.
local function plan_again(job)
  local done, again, dead, todo = 0, {}, {}, {}
  for _, name in ipairs(args.damaged or {}) do again[name] = true end
  local names = all_units()
  for name, unit in pairs(args.units or {}) do -- from the manifest, when the record's own units are gone
    if not units[name] then
      put_unit(name, unit)
      names[#names + 1] = name
    end
  end
  for _, name in ipairs(names) do
    local unit = units[name]
    if is_part(name) and again[name] then unit = start_over(job, unit) end
    if is_part(name) and unit[STATUS] == DONE and not again[name] then
      done = done + 1
    elseif name ~= 'launch' then
      dead[#dead + 1] = job.id .. '|' .. name
      put_unit(name, planned_again(job, name, unit))
      if is_part(name) then todo[#todo + 1] = name end
    end
  end
  write_each('zset', scope .. 'dead', 'ZREM', dead)
  write_each('list', scope .. 'todo:' .. job.id, 'RPUSH', todo)
  return done
end

local function start_anew(job, done)
  for _, stage in ipairs({ 'launch', 'render', 'publish', unpack(split(job.stages, ',')) }) do
    unset(job, stage .. STAGE_FAILED, stage .. STAGE_FINISHED)
  end
  for _, stage in ipairs(once_stages(job)) do
    unset(job, stage .. STAGE_DONE, stage .. STAGE_ROWS_IN, stage .. STAGE_ROWS_OUT, stage .. STAGE_ERRORS)
    unset(job, stage .. STAGE_STARTED)
  end
  if job[HANDED_AT_DEADLINE] then set(job, PARTITIONS_HANDED, job[HANDED_AT_DEADLINE]) end
  unset(job, 'finished', 'took', 'bucket', 'category', 'coverage', 'deadline', 'struck')
  unset(job, HANDED_AT_DEADLINE, JOB_PROGRESS, JOB_DEFERRED, WAVE, DEFERRED_PARTITIONS)
  write('hash', scope .. 'doc:' .. job.id, 'HDEL', 'error', 'result')
  add(job, 'attempt', 1)
  set(job, PARTITIONS_DONE, done)
  for _, field in ipairs({ PARTITIONS_FAILED, IN_WINDOW, CLOSE_STEP, CLOSE_LEFT, 'busy', 'waits' }) do
    set(job, field, 0)
  end
  set_status(job, 'pending')
end

-- Everything that is not done is planned again with a fresh epoch; launch runs first and extends the plan.
local function operation()
  local job = load(args.job)
  local answer = refused(job)
  if answer then return answer end
  if args.max_live or args.quota then limits().take(job) end
  for kind, key in pairs({ hash = 'units:', stream = 'ev:', list = 'todo:' }) do
    write(kind, scope .. key .. job.id, 'PERSIST')
  end
  count_ended(job, -1)
  meter('jobs_resumed:' .. job.kind, 1)
  drop('list', scope .. 'todo:' .. job.id)
  if job[RING] then ring().leave(job) end -- a version without rings has ended it
  start_anew(job, plan_again(job))
  if job[FORM] then need_later(job) end
  write('zset', scope .. 'dead', 'ZREM', job.id .. '|launch')
  local launch = get_unit('launch')
  if launch then must_be_legal(UNIT_MOVES, launch[STATUS], PLANNED) end
  hand(job, 'launch', { [STATUS] = PLANNED, [EPOCH] = (launch and launch[EPOCH] or 0) + 1, [STAGE_INDEX] = 0 }, false)
  if args.idem then
    write('string', scope .. 'idem:' .. args.idem, 'SET', enc({ job = job.id, body = args.body }), 'EX', IDEMPOTENCY_S)
  end
  return { ok = true, attempt = num(job.attempt) }
end
