"""How well a segmentation agrees with a reference."""

from gyrovox.evaluation.agreement import ClassAgreement as ClassAgreement
from gyrovox.evaluation.agreement import Evaluation as Evaluation
from gyrovox.evaluation.agreement import evaluate as evaluate
from gyrovox.evaluation.hierarchy import HierarchyEvaluation as HierarchyEvaluation
from gyrovox.evaluation.hierarchy import LevelEvaluation as LevelEvaluation
from gyrovox.evaluation.hierarchy import class_count as class_count
from gyrovox.evaluation.hierarchy import evaluate_hierarchy as evaluate_hierarchy
from gyrovox.evaluation.hierarchy import parent_child_consistency as parent_child_consistency
from gyrovox.evaluation.matching import match as match
from gyrovox.evaluation.node_scores import NodeAgreement as NodeAgreement
from gyrovox.evaluation.node_scores import dendrogram_purity as dendrogram_purity
from gyrovox.evaluation.node_scores import oracle_dice as oracle_dice
from gyrovox.evaluation.overlap import Contingency as Contingency
from gyrovox.evaluation.overlap import contingency as contingency
from gyrovox.evaluation.overlap import dice as dice
from gyrovox.evaluation.overlap import intersection_over_union as intersection_over_union
from gyrovox.evaluation.partition import adjusted_rand as adjusted_rand
from gyrovox.evaluation.partition import conditional_entropies as conditional_entropies
from gyrovox.evaluation.partition import variation_of_information as variation_of_information
