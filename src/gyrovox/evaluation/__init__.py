"""How well a segmentation agrees with a reference."""

from gyrovox.evaluation.agreement import ClassAgreement as ClassAgreement
from gyrovox.evaluation.agreement import Evaluation as Evaluation
from gyrovox.evaluation.agreement import evaluate as evaluate
from gyrovox.evaluation.matching import match as match
from gyrovox.evaluation.overlap import Contingency as Contingency
from gyrovox.evaluation.overlap import contingency as contingency
from gyrovox.evaluation.overlap import dice as dice
from gyrovox.evaluation.overlap import intersection_over_union as intersection_over_union
from gyrovox.evaluation.partition import adjusted_rand as adjusted_rand
from gyrovox.evaluation.partition import conditional_entropies as conditional_entropies
from gyrovox.evaluation.partition import variation_of_information as variation_of_information
