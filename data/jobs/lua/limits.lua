-- What is refused because there is as much of it as may be: nothing of it is written then. Quotas are those of
-- leadmill/quotas.py. A job keeps in its record the ones that it was accepted with (`quota`), and how many companies it
-- was counted for on which day (`charged`), so whoever moves it needs to know none.
--
-- One function that makes the others: whoever has no limits pays for one.
local function limits()
  local this = {}
  local today = math.floor(now / 86400000)
  local key = scope .. 'used:' .. today

  local function over(about) error({ over = about }) end

  -- Of the project whose keys begin so.
  local function live_jobs(start)
    local live = 0
    for _, status in ipairs({ LIVE_STATUSES }) do live = live + read('zset', 'ZCARD', start .. 'idx:s:' .. status) end
    return live
  end

  -- One live job more in the whole stack, all projects together.
  local function check_live(most)
    local live = live_jobs('')
    for _, name in ipairs(read('zset', 'ZRANGE', 'projects', 0, -1)) do live = live + live_jobs('p:' .. name .. ':') end
    if live >= most then over({ limit = most }) end
  end

  local function used_today(what) return num(read('hash', 'HGET', key, what)) end

  -- Counts what is used of the day, or gives back; each thing once a decision.
  local function use(what, more)
    if more == 0 then return end
    write('hash', key, 'HSET', what, math.max(0, used_today(what) + more))
    write('hash', key, 'EXPIRE', USED_KEPT_S)
  end

  -- Whether there is room for so much more of each.
  local function check(quota, asked)
    for _, name in ipairs({ QUOTA_NAMES }) do
      local limit, more, daily = quota[name], asked[name], name:match('^(.+)_per_day$')
      if limit and more then
        local used = name == 'live_jobs' and live_jobs(scope) or daily and used_today(daily) or 0
        if used + more > limit then over({ quota = name, limit = limit, used = used, asked = more }) end
      end
    end
  end

  -- How many companies a job was counted for, and the day of the first count.
  local function charged(job)
    local companies, on = (job.charged or ''):match('^(%d+)@(%d+)$')
    return num(companies), num(on)
  end

  -- Counts the companies of a job: those that were not yet.
  local function charge(job, quota, companies)
    if not quota.companies_per_day then return end
    local before, on = charged(job)
    local more = companies - before
    if more > 0 or on == today then use('companies', more) end
    set(job, 'charged', companies .. '@' .. (before > 0 and on or today))
  end

  -- A submission or a resume: what is known of it is counted.
  function this.take(job)
    if args.max_live then check_live(args.max_live) end
    if not args.quota then return end
    local quota, asked = dec(args.quota), args.asked
    check(quota, asked)
    set(job, 'quota', args.quota)
    if num(asked.companies_per_job) > 0 then charge(job, quota, asked.companies_per_job) end
    if quota.upload_bytes_per_day then use('upload_bytes', num(asked.upload_bytes_per_day)) end
  end

  -- Launch knows how many companies the job has.
  function this.settle(job, companies)
    local quota = dec(job.quota)
    check(quota, { companies_per_job = companies, companies_per_day = companies - (charged(job)) })
    charge(job, quota, companies)
  end

  -- A job of today that an emptied server gets back: what was counted of it went with the server.
  function this.count_restored(job, quota)
    local companies, on = charged(job)
    if quota.companies_per_day and on == today then use('companies', companies) end
    if math.floor(num(job.created) / 86400000) ~= today then return end
    if on == 0 and (job[PARTITION_STAGES] or '') ~= '' then charge(job, quota, num(job[COMPANIES])) end
    if quota.pages_per_day then use('pages', num(job.pages)) end
  end

  function this.add_pages(job, pages)
    if dec(job.quota).pages_per_day then use('pages', pages) end
  end

  -- Pages that may still be fetched today; nil: as many as one likes.
  function this.pages_left(job)
    local limit = dec(job.quota).pages_per_day
    return limit and math.max(0, limit - used_today('pages')) or nil
  end

  -- At its end a job lets go of its quotas. One that ends before launch has planned it has fetched nothing.
  function this.leave(job)
    local companies, on = charged(job)
    if job.charged and not job[COMPANIES] then
      if on == today then use('companies', -companies) end
      unset(job, 'charged')
    end
    unset(job, 'quota')
  end

  return this
end
