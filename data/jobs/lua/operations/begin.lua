-- Only first hand-outs raise the mark: one that was sent again would make others look lost.
local function raise_mark(stage, unit)
  local field = stage .. ':' .. unit[LEVEL]
  if not unit[LOOKS] and unit[NUMBER] > num(read('hash', 'HGET', 'mark', field)) then
    write('hash', 'mark', 'HSET', field, unit[NUMBER])
  end
end

-- How long the unit stood handed out; and since its process or its lease was lost, where that had it handed out.
local function meter_wait(stage, unit)
  observe('unit_wait_seconds:' .. stage, WAIT_BOUNDS, math.max(0, now - num(unit[HANDED_MS])))
  if unit[LOST_MS] then
    local cause = unit[DIED_OWNER] and 'death' or 'lapse'
    observe('unit_recovery_seconds:' .. cause, WAIT_BOUNDS, math.max(0, now - num(unit[LOST_MS])))
  end
end

-- A worker claims a unit that was handed out. Its repeat is answered as the first time.
local function operation()
  local job = find(args.job)
  if not job then return { no = 'gone' } end
  if TERMINAL[job.status] then return { no = 'ended' } end
  local unit = get_unit(args.unit)
  local at_stage = unit and unit[STAGE_INDEX] == args.index
  local repeated = at_stage and unit[STATUS] == RUNNING and unit[OWNER] == args.owner
  local spec = read('hash', 'HGET', scope .. 'doc:' .. job.id, 'spec')
  if not repeated then
    if not at_stage or unit[STATUS] ~= HANDED or (args.epoch ~= 0 and unit[EPOCH] ~= args.epoch) then
      return { no = 'stale' }
    end
    local stage = stage_of(job, args.unit, unit)
    raise_mark(stage, unit)
    meter_wait(stage, unit)
    unit[OWNER], unit[DIED_OWNER], unit[LOST_MS] = args.owner, nil, nil
    if job.status == 'pending' then
      set_status(job, 'running')
      if job.started == '' then set(job, 'started', now) end
    end
    move(job, args.unit, unit, RUNNING)
    due(args.unit, now + LEASE_MS)
    put_unit(args.unit, unit)
    if not job[stage .. STAGE_STARTED] then
      set(job, stage .. STAGE_STARTED, now)
      event('stage', { stage = stage, state = 'started' })
    end
  end
  return {
    epoch = unit[EPOCH], attempt = num(job.attempt), tries = num(unit[TRIES]), kind = job.kind, stages = job.stages,
    created = num(job.created), parts = num(job[PARTITIONS]), spec = spec, epochs = unit[COMMITTED_EPOCHS],
    files = unit[FILES], category = job.category, refused = unit[NAMED_PAGES], deaths = unit[DEATHS],
    lapses = unit[LAPSES], project = project, quota = job.quota,
    pages_left = job.quota and limits().pages_left(job), trace = job.trace, request_id = job.request_id,
    wave = job[WAVE] and num(job[WAVE]), deadline = job.deadline and num(job.deadline),
  }
end
