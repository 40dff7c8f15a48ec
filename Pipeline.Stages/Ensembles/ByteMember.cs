using Pipeline.Contracts.Errors;
using Pipeline.Stages.Language;
using Pipeline.Stages.NextBytes;

namespace Pipeline.Stages.Ensembles;

/// <summary>A model that answers for the next byte.</summary>
/// <param name="Model">With its tokenizer.</param>
/// <param name="Ends">Ids that end a text.</param>
public sealed record ByteMember(LanguageModel Model, IReadOnlySet<int> Ends)
{
    /// <summary>Goes in front of a text: bos, else eos; null: a text's first token is what the rest is conditioned on.</summary>
    public int? Mark => Model.Tokenizer.BosId ?? Model.Tokenizer.EosId;

    /// <summary>Its view over bytes; the caller disposes it. On the device's thread.</summary>
    /// <exception cref="InputException">The model has none; its name is in the message.</exception>
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
