# RAF-DB in batches of single images, for stock recipes without groups.
_base_ = './raf_db_224.py'

train_dataloader = dict(batch_size=64, batch_sampler=None)
