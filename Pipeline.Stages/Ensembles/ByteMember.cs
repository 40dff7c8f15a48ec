using Pipeline.Contracts.Errors;
using Pipeline.Stages.Language;
using Pipeline.Stages.NextBytes;

namespace Pipeline.Stages.Ensembles;

/// <summary>A model that is asked for next bytes.</summary>
/// <param name="Model">The model with its tokenizer.</param>
/// <param name="Ends">The ids that end a text.</param>
public sealed record ByteMember(LanguageModel Model, IReadOnlySet<int> Ends)
{
    /// <summary>
    /// The token in front of a text: bos, or otherwise eos. Null where there is neither: everything is then conditioned on the text's first token.
    /// </summary>
    public int? Mark => Model.Tokenizer.BosId ?? Model.Tokenizer.EosId;

    /// <summary>The model's view over bytes, which the caller disposes. To be called on the device's thread.</summary>
    /// <exception cref="InputException">The tokenizer has no view over bytes. The message names the model.</exception>
    internal NextByteModel View()
    {
        try
        {
            var vocabulary = new ByteVocabulary(Model.Tokenizer, Ends, Model.Model.Config.VocabularySize);
            return new NextByteModel(Model.Model, vocabulary, Model.Expansion is null ? null : ids_BT => Model.Embed(ids_BT));
        }
        catch (InputException e)
        {
            throw new InputException($"model '{Model.Name}': {e.Message}", e);
        }
    }
}
