"""What verdicts and findings mean, for someone who has never met the terms."""

VERDICTS = {
    "underfit": (
        "The model has not learned enough. It makes more mistakes than it would have "
        "to even on the images it was allowed to study, like a pupil who fails the "
        "very exercises that were practised in class. More of the same images will "
        "not help much; a longer training, a larger network or a better input will."
    ),
    "overfit": (
        "The model does much better on the images it was trained on than on new ones. "
        "It has learned some of them by heart, like a pupil who knows the answers to "
        "the old exam but not the subject. What counts is how it does on new images: "
        "more data, or a training that is held back (regularisation, dropout, stopping "
        "earlier), brings the two together."
    ),
    "both": (
        "Two things go wrong at a time. The model makes more mistakes than necessary "
        "on the images it was trained on, and more again on new ones. Start with the "
        "first: a model that cannot do its exercises is not helped by more of them."
    ),
    "good": (
        "On the images it was trained on the model is about as good as the reference, "
        "and on new images it does about as well as on those. Neither difference is "
        "larger than the tolerance. That does not mean that it makes no mistakes: it "
        "means that neither a longer training nor a larger or smaller network can be "
        "expected to change much."
    ),
    "inconclusive": (
        "The numbers do not decide it. Results from a limited number of images are "
        "blurred, and here the blur reaches across the line between harmless and not. "
        "This is no fault of the model: judge it on more images, or accept a larger "
        "tolerance."
    ),
}

FINDINGS = {
    "FIT01": (
        "The simplest model imaginable names the most frequent class, whatever it is "
        "shown. A model that is not clearly better has learned nothing useful. Classes "
        "count alike here, so that a rare class cannot be ignored without notice."
    ),
    "FIT02": (
        "Bias is how many more mistakes the model makes on the images it has studied "
        "than the reference makes on images it has never seen. Since another model can "
        "do it, these mistakes are avoidable."
    ),
    "FIT03": (
        "The gap is the difference between the mistakes on new images and those on the "
        "images studied. Some gap is normal. A large one says that part of what was "
        "learned holds for the training images alone."
    ),
    "FIT04": (
        "A network is shown all training images again and again; each round is an "
        "epoch. The loss on new images was still going down in the last rounds: the "
        "training ended too soon."
    ),
    "FIT05": (
        "After some rounds a network can begin to learn details of its training images "
        "that do not matter. The loss on new images then turns up again. The epoch "
        "named here was found on other folds than it was judged on, so that the result "
        "is not one of luck."
    ),
    "FIT06": (
        "A model says how sure it is. Of all predictions it calls 90 % sure, 90 in 100 "
        "should be right. Here fewer are. The predicted labels are not affected, but "
        "the percentages promise too much."
    ),
    "FIT07": (
        "The same model was trained on half of the images as well. With all of them "
        "it made fewer mistakes on the same new images, so it had not yet learned all "
        "that more images could teach it."
    ),
    "FIT08": (
        "Parts that are dealt at random should all give about the same result. One "
        "differs more than chance explains: its images, or the training on the others, "
        "are special in some way, or the parts were taken from the data in the order "
        "in which they lie."
    ),
    "FIT09": (
        "A search tries the values it is given. If the best is the first or the last "
        "of them, a better one may lie outside."
    ),
    "FIT10": (
        "Two results that differ by less than their blur (one standard error) are "
        "equals for all we know. Of equals the simpler model is the better choice: it "
        "has less room to learn by heart."
    ),
    "FIT11": (
        "Models do better on what they have studied. Where new images come out better, "
        "something deserves a look: are they easier, or does the training see harder, "
        "distorted images? Or are some of the new ones not new?"
    ),
    "FIT12": (
        "A test is fair only with questions that were not in the exercises. Some of "
        "the images to test with are copies of images to train on, so the error on new "
        "images looks smaller than it is."
    ),
}
