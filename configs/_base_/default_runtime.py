default_scope = 'mmpretrain'

default_hooks = dict(
    # fetches losses from the GPU together, when they are logged
    runtime_info=dict(type='mmqcs.RuntimeInfoHook'),
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(
        # leaves a checkpoint to resume from, even if the run is killed
        type='mmqcs.CheckpointHook',
        interval=1,
        max_keep_ckpts=1,
        save_best='accuracy/top1',
        rule='greater',
    ),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    visualization=dict(type='VisualizationHook', enable=False),
    # refuses checkpoints that do not fit the model
    weights=dict(type='mmqcs.CheckWeightsHook'),
    # allows resuming with another number of processes
    resume=dict(type='mmqcs.ResumeHook'),
    # serves batch samplers with negative='confusion'; does nothing for others
    confusion=dict(type='mmqcs.ConfusionHook'),
    # checks classes and metric names before the first iteration
    setup_check=dict(type='mmqcs.SetupCheckHook'),
    # stops a run whose losses or weights are not finite
    finite=dict(type='mmqcs.FiniteHook'),
    # writes WORK_DIR/report.html
    report=dict(type='mmqcs.ReportHook'),
)

env_cfg = dict(
    # images have one size, so trying cuDNN's algorithms pays off
    cudnn_benchmark=True,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'),
)

vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(type='UniversalVisualizer', vis_backends=vis_backends)

log_processor = dict(
    # per-image losses and theta are plotted, not printed
    type='mmqcs.QuietLogProcessor',
    quiet=r'ce_|theta/',
    # log means over the last iterations instead of the last value; accuracy_* are those
    # of training
    mean_pattern=r'loss|time|grad_norm|^accuracy_|^ce_',
)
log_level = 'INFO'
load_from = None
resume = False

# With a fixed seed, a resumed run draws the same groups as an uninterrupted one.
randomness = dict(seed=0, deterministic=False)
