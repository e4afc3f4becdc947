"""Explanations of verdicts and findings for readers who are new to the terms.

A report of data that are not images replaces "image" by "sample" in these texts.
"""

VERDICTS = {
    "underfit": (
        "The model has not learned enough. Even on the images it was trained on, the "
        "model makes more mistakes than necessary. More images of the same kind will "
        "not help much. Longer training, a larger network or a better input will."
    ),
    "overfit": (
        "The model makes far fewer mistakes on the images it was trained on than on "
        "new images. It has memorised some of its training images. The error on new "
        "images is the one that counts. More data or a more restricted training "
        "(regularisation, dropout, stopping earlier) reduces the difference."
    ),
    "both": (
        "The model has two problems. It makes more mistakes than necessary on the "
        "images it was trained on, and even more on new images. Solve the first "
        "problem first: more images do not help a model that does not fit its training "
        "images."
    ),
    "good": (
        "On the images it was trained on, the model is about as good as the reference. "
        "On new images, the model is about as good as on its training images. Neither "
        "difference is larger than the tolerance. The model may still make mistakes, "
        "but neither longer training nor a larger or smaller network can be expected "
        "to change the error much."
    ),
    "inconclusive": (
        "With this many images the error is uncertain: its interval includes both "
        "negligible and harmful values. This is not a fault of the model. Evaluate the "
        "model on more images, or accept a larger tolerance."
    ),
}

FINDINGS = {
    "FIT01": (
        "The simplest possible model always predicts the most frequent class. A model "
        "that is not clearly better than this has learned nothing useful. All classes "
        "have equal weight in this comparison, so a model that ignores a rare class is "
        "detected."
    ),
    "FIT02": (
        "The bias is the difference between the model's error on the images it was "
        "trained on and the error of the reference on new images. Since another model "
        "achieves the lower error, these additional mistakes can be avoided."
    ),
    "FIT03": (
        "The gap is the difference between the error on new images and the error on "
        "the training images. A small gap is normal. A large gap means that part of "
        "what the model learned holds only for its training images."
    ),
    "FIT04": (
        "A network is trained on all training images repeatedly; each pass is called "
        "an epoch. The loss on new images was still falling in the last epochs, so the "
        "training ended too early."
    ),
    "FIT05": (
        "After many epochs, a network may start to learn irrelevant details of its "
        "training images. The loss on new images then rises again. The epoch named "
        "here was chosen on other folds than the folds it was tested on, so the result "
        "is not due to chance in the choice."
    ),
    "FIT06": (
        "A model assigns a probability to each prediction. Of all predictions with a "
        "probability of 90 %, 90 in 100 should be correct. Here, fewer are correct: "
        "the model is overconfident. The predicted labels are not affected, but the "
        "probabilities are too high."
    ),
    "FIT07": (
        "The same model was also trained on half of the images. After training on all "
        "images, the model made fewer mistakes on the same new images. The model has "
        "therefore not yet learned everything that more images could teach it."
    ),
    "FIT08": (
        "Splits that are drawn at random should all give similar results. One split "
        "differs more than chance explains. Either its images, or the training on the "
        "other images, are special in some way, or the splits were not shuffled and "
        "follow the order of the data. A class that a split does not train on cannot "
        "be predicted there."
    ),
    "FIT09": (
        "A search tries only the values it is given. If the best value is the first or "
        "the last of them, a better value may lie outside."
    ),
    "FIT10": (
        "The simpler model is proven to make hardly more mistakes than the best one. "
        "It is preferable: it is less likely to memorise its training images."
    ),
    "FIT11": (
        "Models usually make fewer mistakes on their training images than on new "
        "images. If the error on new images is lower, check the reason: the new images "
        "may be easier, the training images may be harder (for example distorted), or "
        "some of the new images may be contained in the training images."
    ),
    "FIT12": (
        "A test is valid only with images that were not used for training. Some of the "
        "validation images are identical to training images, so the error on new "
        "images appears smaller than it is."
    ),
    "FIT13": (
        "Images of one class usually lie close to each other. Some images have a label "
        "that differs from that of all images around them, and the model, which was "
        "not trained on them, assigns them the other class too. Between classes that "
        "overlap, such images become rare the farther they are from the border; wrong "
        "labels are equally frequent everywhere."
    ),
    "FIT14": (
        "The learning rate is the size of the steps in which a network is changed "
        "during training. If it is too high, the steps go too far, and the loss jumps "
        "up and down in place of falling. If it is too low, the loss falls steadily, "
        "but takes far more epochs than needed. The suggested rate was measured on "
        "these images, by a short training with a growing rate."
    ),
    "FIT15": (
        "The test images were not used in the cross-validation. They show whether its "
        "results hold where the model is to be used. Two things are compared: the "
        "error on the test images with the error on the held-out images, and the "
        "images themselves. A second classifier, trained to tell test images from the "
        "others, can do better than guessing only if they differ."
    ),
}
