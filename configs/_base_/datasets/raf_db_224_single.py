# RAF-DB image by image, for stock recipes that know no groups.
_base_ = './raf_db_224.py'

train_dataloader = dict(batch_size=64, batch_sampler=None)
