using System.Collections.Immutable;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace Pipeline.Host.Tests.Architecture;

/// <summary>
/// Which room uses which inside one assembly, read from its metadata and from the instructions of its methods, so that a full name, a
/// type that is only returned and a type of a generic argument count as much as a <c>using</c>. A room is a namespace, without the assembly's
/// own first two words. (What the compiler writes into the place of its use leaves no trace: constants and <c>nameof</c>.)
/// </summary>
internal sealed class RoomUses : ISignatureTypeProvider<ImmutableArray<EntityHandle>, object?>
{
    private static readonly Dictionary<int, OperandType> Operands = typeof(OpCodes).GetFields()
        .Select(f => (OpCode)f.GetValue(null)!).ToDictionary(o => o.Value & 0xffff, o => o.OperandType);

    private readonly MetadataReader _reader;
    private readonly PEReader _file;
    private readonly string _root;
    private readonly string _usedRoot;
    private readonly Dictionary<(string From, string To), SortedSet<string>> _uses = [];
    private TypeDefinitionHandle _from;

    private RoomUses(PEReader file, string root, string usedRoot) => (_file, _reader, _root, _usedRoot) = (file, file.GetMetadataReader(), root, usedRoot);

    /// <summary>Pairs of rooms of which the first uses the second, with the uses: "type -> type".</summary>
    /// <param name="path">The assembly's file.</param>
    /// <param name="root">The namespace that its rooms are in.</param>
    /// <param name="usedRoot">The namespace of the rooms that are used; null: the assembly's own.</param>
    public static IReadOnlyDictionary<(string From, string To), SortedSet<string>> Of(string path, string root, string? usedRoot = null)
    {
        using var file = new PEReader(File.OpenRead(path));
        var uses = new RoomUses(file, root, usedRoot ?? root);
        foreach (TypeDefinitionHandle type in uses._reader.TypeDefinitions) uses.Read(type);
        return uses._uses;
    }

    private void Read(TypeDefinitionHandle handle)
    {
        _from = handle;
        TypeDefinition type = _reader.GetTypeDefinition(handle);
        Use(type.BaseType);
        foreach (InterfaceImplementationHandle i in type.GetInterfaceImplementations()) Use(_reader.GetInterfaceImplementation(i).Interface);
        Use(type.GetGenericParameters());
        foreach (FieldDefinitionHandle f in type.GetFields()) Use(_reader.GetFieldDefinition(f).DecodeSignature(this, null));
        foreach (CustomAttributeHandle a in type.GetCustomAttributes()) Use(_reader.GetCustomAttribute(a).Constructor);
        foreach (MethodDefinitionHandle m in type.GetMethods())
        {
            MethodDefinition method = _reader.GetMethodDefinition(m);
            Use(method.DecodeSignature(this, null));
            Use(method.GetGenericParameters());
            if (method.RelativeVirtualAddress != 0) Use(_file.GetMethodBody(method.RelativeVirtualAddress));
        }
    }

    private void Use(GenericParameterHandleCollection parameters)
    {
        foreach (GenericParameterHandle p in parameters)
            foreach (GenericParameterConstraintHandle c in _reader.GetGenericParameter(p).GetConstraints())
                Use(_reader.GetGenericParameterConstraint(c).Type);
    }

    private void Use(MethodBodyBlock body)
    {
        if (!body.LocalSignature.IsNil)
            foreach (ImmutableArray<EntityHandle> local in _reader.GetStandaloneSignature(body.LocalSignature).DecodeLocalSignature(this, null)) Use(local);
        foreach (ExceptionRegion region in body.ExceptionRegions) Use(region.CatchType);
        BlobReader code = body.GetILReader();
        while (code.RemainingBytes > 0)
        {
            int first = code.ReadByte();
            switch (Operands[first == 0xfe ? (first << 8) | code.ReadByte() : first])
            {
                case OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineTok or OperandType.InlineType:
                    Use((EntityHandle)MetadataTokens.Handle(code.ReadInt32()));
                    break;
                case OperandType.InlineNone: break;
                case OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar: code.ReadByte(); break;
                case OperandType.InlineVar: code.ReadInt16(); break;
                case OperandType.InlineI8 or OperandType.InlineR: code.ReadInt64(); break;
                case OperandType.InlineSwitch:
                    int targets = code.ReadInt32();
                    code.Offset += 4 * targets;
                    break;
                default: code.ReadInt32(); break;
            }
        }
    }

    private void Use(EntityHandle handle)
    {
        if (handle.IsNil) return;
        switch (handle.Kind)
        {
            case HandleKind.TypeDefinition or HandleKind.TypeReference: Use([handle]); break;
            case HandleKind.TypeSpecification: Use(_reader.GetTypeSpecification((TypeSpecificationHandle)handle).DecodeSignature(this, null)); break;
            case HandleKind.FieldDefinition:
                FieldDefinition field = _reader.GetFieldDefinition((FieldDefinitionHandle)handle);
                Use([field.GetDeclaringType()]);
                Use(field.DecodeSignature(this, null));
                break;
            case HandleKind.MethodDefinition:
                MethodDefinition method = _reader.GetMethodDefinition((MethodDefinitionHandle)handle);
                Use([method.GetDeclaringType()]);
                Use(method.DecodeSignature(this, null));
                break;
            case HandleKind.MethodSpecification:
                MethodSpecification made = _reader.GetMethodSpecification((MethodSpecificationHandle)handle);
                Use(made.Method);
                foreach (ImmutableArray<EntityHandle> argument in made.DecodeSignature(this, null)) Use(argument);
                break;
            case HandleKind.MemberReference:
                MemberReference member = _reader.GetMemberReference((MemberReferenceHandle)handle);
                Use(member.Parent);
                if (member.GetKind() == MemberReferenceKind.Method) Use(member.DecodeMethodSignature(this, null));
                else Use(member.DecodeFieldSignature(this, null));
                break;
        }
    }

    private void Use(MethodSignature<ImmutableArray<EntityHandle>> signature)
    {
        Use(signature.ReturnType);
        foreach (ImmutableArray<EntityHandle> parameter in signature.ParameterTypes) Use(parameter);
    }

    private void Use(ImmutableArray<EntityHandle> types)
    {
        (string? from, string user) = Place(_from, _root);
        foreach (EntityHandle type in types)
        {
            (string? to, string used) = Place(type, _usedRoot);
            if (from is null || to is null || (from == to && _root == _usedRoot)) continue;
            if (!_uses.TryGetValue((from, to), out SortedSet<string>? named)) _uses[(from, to)] = named = [];
            named.Add($"{user} -> {used}");
        }
    }

    /// <summary>The room and the name of the outermost type; no room for what lies elsewhere, and for what the compiler made for the whole assembly.</summary>
    private (string? Room, string Name) Place(EntityHandle handle, string root)
    {
        (StringHandle space, StringHandle name) = handle.Kind == HandleKind.TypeReference ? Outermost((TypeReferenceHandle)handle) : Outermost((TypeDefinitionHandle)handle);
        string text = _reader.GetString(space);
        string? room = text == root ? "" : text.StartsWith(root + ".", StringComparison.Ordinal) ? text[(root.Length + 1)..] : null;
        return (room, _reader.GetString(name));
    }

    private (StringHandle Space, StringHandle Name) Outermost(TypeDefinitionHandle handle)
    {
        TypeDefinition type = _reader.GetTypeDefinition(handle);
        while (!type.GetDeclaringType().IsNil) type = _reader.GetTypeDefinition(type.GetDeclaringType());
        return (type.Namespace, type.Name);
    }

    private (StringHandle Space, StringHandle Name) Outermost(TypeReferenceHandle handle)
    {
        TypeReference type = _reader.GetTypeReference(handle);
        while (type.ResolutionScope.Kind == HandleKind.TypeReference) type = _reader.GetTypeReference((TypeReferenceHandle)type.ResolutionScope);
        return (type.Namespace, type.Name);
    }

    public ImmutableArray<EntityHandle> GetArrayType(ImmutableArray<EntityHandle> elementType, ArrayShape shape) => elementType;
    public ImmutableArray<EntityHandle> GetByReferenceType(ImmutableArray<EntityHandle> elementType) => elementType;
    public ImmutableArray<EntityHandle> GetFunctionPointerType(MethodSignature<ImmutableArray<EntityHandle>> signature)
        => [.. signature.ReturnType, .. signature.ParameterTypes.SelectMany(p => p)];
    public ImmutableArray<EntityHandle> GetGenericInstantiation(ImmutableArray<EntityHandle> genericType, ImmutableArray<ImmutableArray<EntityHandle>> typeArguments)
        => [.. genericType, .. typeArguments.SelectMany(a => a)];
    public ImmutableArray<EntityHandle> GetGenericMethodParameter(object? genericContext, int index) => [];
    public ImmutableArray<EntityHandle> GetGenericTypeParameter(object? genericContext, int index) => [];
    public ImmutableArray<EntityHandle> GetModifiedType(ImmutableArray<EntityHandle> modifier, ImmutableArray<EntityHandle> unmodifiedType, bool isRequired) => unmodifiedType;
    public ImmutableArray<EntityHandle> GetPinnedType(ImmutableArray<EntityHandle> elementType) => elementType;
    public ImmutableArray<EntityHandle> GetPointerType(ImmutableArray<EntityHandle> elementType) => elementType;
    public ImmutableArray<EntityHandle> GetPrimitiveType(PrimitiveTypeCode typeCode) => [];
    public ImmutableArray<EntityHandle> GetSZArrayType(ImmutableArray<EntityHandle> elementType) => elementType;
    public ImmutableArray<EntityHandle> GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind) => [handle];
    public ImmutableArray<EntityHandle> GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind) => [handle];
    public ImmutableArray<EntityHandle> GetTypeFromSpecification(MetadataReader reader, object? genericContext, TypeSpecificationHandle handle, byte rawTypeKind)
        => reader.GetTypeSpecification(handle).DecodeSignature(this, genericContext);
}
