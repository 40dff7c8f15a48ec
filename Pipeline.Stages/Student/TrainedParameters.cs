using Pipeline.Stages.Models;

namespace Pipeline.Stages.Student;

/// <summary>Turns a definition's <c>train</c>, <c>lora</c> and <c>freeze</c> into which weights have gradients.</summary>
internal static class TrainedParameters
{
    public static void Choose(CausalLm model, UpdateStudentOptions options, int seed)
    {
        if (options.Train == TrainMode.Lora) model.AddLora(options.Lora with { Seed = seed });
        model.SetTrainable(
            options.Train switch
            {
                TrainMode.Full => TrainablePart.Full,
                TrainMode.Embeddings => TrainablePart.Embeddings,
                // A new vocabulary cannot be learned by updates of the body alone.
                _ => TrainablePart.LoraAndEmbeddings,
            },
            options.Freeze);
    }
}
