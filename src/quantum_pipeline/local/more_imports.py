"""What some of the functions import beside what all share, most of all for their pictures.

Nothing here may read the settings of a function, but for the folder of matplotlib's caches.
"""

import quantum_pipeline.aws.learning
import quantum_pipeline.aws.studies
import quantum_pipeline.aws.tickets
import quantum_pipeline.pages.study_page
import quantum_pipeline.studies.lifecycle  # noqa: F401
